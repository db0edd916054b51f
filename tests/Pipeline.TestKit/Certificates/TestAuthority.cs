using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.TestKit.Certificates;

/// <summary>
/// Certificates of all kinds, the wrong ones above all. Shares nothing with what <c>certs init</c> issues: RSA keys, another order of
/// names, as another issuer might make them.
/// </summary>
public sealed class TestAuthority(string name) : IDisposable
{
    public const string Coordinator = "spiffe://pipeline/coordinator";
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly X509Certificate2 _certificate = MakeAuthority(name);

    public static string Stage(int index) => $"spiffe://pipeline/stage/{index}";

    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>Writes ca.crt, tls.crt and tls.key into a folder.</summary>
    /// <param name="validFor">Negative for one that has expired.</param>
    /// <param name="trusted">Whom the holder trusts; this authority if null.</param>
    public string Write(string folder, IReadOnlyList<string> uris, TimeSpan? validFor = null, TestAuthority? trusted = null, bool forServers = true, bool forClients = true)
    {
        var (certificate, key) = Issue(uris, validFor ?? TimeSpan.FromHours(1), forServers, forClients);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "ca.crt"), (trusted ?? this).Pem);
        File.WriteAllText(Path.Combine(folder, "tls.key"), key);
        File.WriteAllText(Path.Combine(folder, "tls.crt"), certificate);
        return folder;
    }

    public (string CertificatePem, string KeyPem) Issue(IReadOnlyList<string> uris, TimeSpan validFor, bool forServers = true, bool forClients = true)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("O=test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var usages = new OidCollection();
        foreach (var usage in new[] { forServers ? ServerUsage : null, forClients ? ClientUsage : null }.OfType<string>())
        {
            usages.Add(new Oid(usage));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        foreach (var uri in uris)
        {
            names.AddUri(new Uri(uri));
        }

        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_certificate, Now + TimeSpan.FromHours(validFor < TimeSpan.Zero ? -24 : -1), Now + validFor, RandomNumberGenerator.GetBytes(8));
        return (certificate.ExportCertificatePem(), key.ExportRSAPrivateKeyPem());
    }

    public void Dispose() => _certificate.Dispose();

    private static X509Certificate2 MakeAuthority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        return request.CreateSelfSigned(Now - TimeSpan.FromDays(2), Now + TimeSpan.FromDays(2));
    }
}
