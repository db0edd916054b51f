using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>What certificates say, for people.</summary>
public static class CertificateText
{
    /// <summary>For instance <c>the certificate of stage 2 (issued by 'CN=pipeline CA', valid until 2027-02-22 10:00:00Z)</c>.</summary>
    public static string Describe(X509Certificate2 certificate)
    {
        var whose = PeerIdentity.Of(certificate)?.ToString() ?? $"'{certificate.Subject}', which names nobody of a pipeline";
        return $"the certificate of {whose} (issued by '{certificate.Issuer}', valid until {Time(certificate.NotAfter)})";
    }

    /// <summary>Null while it is valid.</summary>
    public static string? ProblemOfTime(X509Certificate2 certificate, DateTimeOffset now)
    {
        if (now < certificate.NotBefore)
        {
            return $"is not valid before {Time(certificate.NotBefore)}";
        }

        return now > certificate.NotAfter ? $"has expired on {Time(certificate.NotAfter)}" : null;
    }

    public static string Time(DateTime time) => time.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture);
}
