using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pipeline.Protos.Security;

namespace Pipeline.Coordinator.Certificates;

/// <summary>An authority for the processes of one pipeline: ECDSA on P-256, signed with SHA-256.</summary>
public sealed class CertificateAuthority : IDisposable
{
    private const int SerialBytes = 16;
    private const int NameBytes = 3;

    /// <summary>Clocks of hosts differ a little.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private readonly X509Certificate2 _certificate;
    private readonly DateTimeOffset _now;

    private CertificateAuthority(X509Certificate2 certificate, DateTimeOffset now) => (_certificate, _now) = (certificate, now);

    /// <summary>Nothing that it signs is valid any longer after that.</summary>
    public DateTimeOffset ValidUntil => _certificate.NotAfter;

    public string CertificatePem => _certificate.ExportCertificatePem() + "\n";

    public string KeyPem
    {
        get
        {
            using var key = _certificate.GetECDsaPrivateKey()!;
            return key.ExportPkcs8PrivateKeyPem() + "\n";
        }
    }

    public static CertificateAuthority Create(DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // A name of its own: two authorities of the same name make errors that nobody understands.
        var name = $"CN=pipeline CA {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameBytes))}";
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return new CertificateAuthority(request.CreateSelfSigned(now - Skew, now + lifetime), now);
    }

    /// <summary>Throws a <see cref="CertificateException"/> unless both files are there, fit each other and are valid now.</summary>
    public static CertificateAuthority Read(string certificateFile, string keyFile, DateTimeOffset now) =>
        new(PemFiles.ReadWithKey(certificateFile, keyFile, now), now);

    /// <summary>A certificate for one process, good for both ends of a connection: a stage is server to one and client to the next.</summary>
    /// <param name="hosts">DNS names and addresses, for tools that look at these; the pipeline itself looks at the identity.</param>
    public (string CertificatePem, string KeyPem) Issue(PeerIdentity identity, IReadOnlyList<string> hosts, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = identity.Role == PeerRole.Coordinator ? "coordinator" : $"stage-{identity.StageIndex}";
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(PeerCheck.ServerUsage), new Oid(PeerCheck.ClientUsage)], critical: false));
        request.CertificateExtensions.Add(NamesOf(identity, hosts));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var certificate = request.Create(_certificate, _now - Skew, _now + lifetime, Serial());
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    public bool Is(X509Certificate2 certificate) => _certificate.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span);

    public void Dispose() => _certificate.Dispose();

    private static X509Extension NamesOf(PeerIdentity identity, IReadOnlyList<string> hosts)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(identity.Uri));
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        return names.Build();
    }

    /// <summary>Positive, as the standard wants it.</summary>
    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}
