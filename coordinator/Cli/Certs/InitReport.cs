namespace Pipeline.Coordinator.Cli.Certs;

/// <summary>What <c>certs init</c> has written.</summary>
/// <param name="Folders">One for each process: what its <c>--tls</c> wants.</param>
internal sealed record InitReport(string Authority, IReadOnlyList<string> Folders, IReadOnlyList<string> Hosts, DateTimeOffset ValidUntil);
