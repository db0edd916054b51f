namespace Pipeline.Coordinator.Certificates;

/// <summary>A process's folder with a new certificate in it.</summary>
/// <param name="Hosts">DNS names and addresses that it is made for.</param>
public sealed record RenewedCertificate(string Folder, IReadOnlyList<string> Hosts);
