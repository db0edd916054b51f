using Pipeline.Coordinator.Certificates;

namespace Pipeline.Coordinator.Cli.Certs;

/// <summary>What <c>certs renew</c> has written.</summary>
internal sealed record RenewReport(IReadOnlyList<RenewedCertificate> Renewed, DateTimeOffset ValidUntil);
