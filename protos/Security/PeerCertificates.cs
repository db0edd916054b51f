using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>What a process shows to its peers and whom it trusts: one state of its folder, replaced as a whole.</summary>
/// <param name="Own">Its certificate and key.</param>
/// <param name="Authorities">Whose certificates it accepts.</param>
public sealed record PeerCertificates(SslStreamCertificateContext Own, X509Certificate2Collection Authorities, PeerIdentity Identity)
{
    // The layout of the Secrets that cert-manager writes.
    public const string AuthorityFile = "ca.crt";
    public const string CertificateFile = "tls.crt";
    public const string KeyFile = "tls.key";

    /// <summary>For people.</summary>
    public string Description => CertificateText.Describe(Own.TargetCertificate);

    public string AuthorityNames => string.Join(" or ", Authorities.Select(authority => $"'{authority.Subject}'").Distinct());

    public static IReadOnlyList<string> FilesIn(string folder) => [.. new[] { AuthorityFile, CertificateFile, KeyFile }.Select(name => Path.Combine(folder, name))];

    /// <summary>Throws a <see cref="CertificateException"/> unless everything fits together: files, key, authority, validity, identity.</summary>
    public static PeerCertificates Read(string folder, DateTimeOffset now)
    {
        if (!Directory.Exists(folder))
        {
            throw new CertificateException($"{folder}: no such folder; one with {AuthorityFile}, {CertificateFile} and {KeyFile} is wanted (coordinator certs init writes them)");
        }

        var files = FilesIn(folder);
        var authorities = PemFiles.ReadCertificates(files[0]);
        var own = PemFiles.ReadPair(files[1], files[2], now);
        if (PeerCheck.ProblemOfChain(own.TargetCertificate, own.IntermediateCertificates, authorities, PeerCheck.ServerUsage, now) is { } problem)
        {
            throw new CertificateException($"{files[1]}: {problem} ({AuthorityFile} beside it)");
        }

        var identity = PeerIdentity.Of(own.TargetCertificate) ?? throw new CertificateException(
            $"{files[1]}: names nobody of a pipeline; exactly one URI such as {PeerIdentity.Coordinator.Uri} or {PeerIdentity.Stage(0).Uri} is wanted among its alternative names");
        return new PeerCertificates(own, authorities, identity);
    }
}
