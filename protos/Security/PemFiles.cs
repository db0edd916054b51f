using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>Certificates and keys out of PEM files; whatever is wrong with one is said with its name.</summary>
public static class PemFiles
{
    /// <summary>A certificate with its key and the certificates between it and its authority, ready for handshakes.</summary>
    /// <param name="certificateFile">The certificate first, then what lies between it and its authority.</param>
    /// <param name="now">A certificate that is not valid now is refused.</param>
    public static SslStreamCertificateContext ReadPair(string certificateFile, string keyFile, DateTimeOffset now)
    {
        var certificates = ReadCertificates(certificateFile);
        // Offline: nobody is asked for certificates that the file does not hold.
        return SslStreamCertificateContext.Create(ReadWithKey(certificates[0], certificateFile, keyFile, now), [.. certificates.Skip(1)], offline: true);
    }

    /// <summary>The first certificate of a file, with its key.</summary>
    /// <param name="now">A certificate that is not valid now is refused.</param>
    public static X509Certificate2 ReadWithKey(string certificateFile, string keyFile, DateTimeOffset now) =>
        ReadWithKey(ReadCertificates(certificateFile)[0], certificateFile, keyFile, now);

    /// <summary>One certificate at least, in the order of the file.</summary>
    public static X509Certificate2Collection ReadCertificates(string file)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(Read(file));
        }
        catch (CryptographicException exception)
        {
            throw new CertificateException($"{file}: not a PEM certificate: {exception.Message}", exception);
        }

        return certificates.Count > 0 ? certificates : throw new CertificateException($"{file}: holds no PEM certificate ('-----BEGIN CERTIFICATE-----' is wanted)");
    }

    private static X509Certificate2 ReadWithKey(X509Certificate2 certificate, string certificateFile, string keyFile, DateTimeOffset now)
    {
        using var own = WithKey(certificate, certificateFile, keyFile);
        return CertificateText.ProblemOfTime(certificate, now) is { } problem
            ? throw new CertificateException($"{certificateFile}: it {problem}")
            : new X509Certificate2(own);
    }

    private static X509Certificate2 WithKey(X509Certificate2 certificate, string certificateFile, string keyFile)
    {
        var text = Read(keyFile);
        if (text.Contains("ENCRYPTED", StringComparison.Ordinal))
        {
            throw new CertificateException($"{keyFile}: the key is encrypted; one without a password is wanted");
        }

        if (!text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new CertificateException($"{keyFile}: holds no PEM key ('-----BEGIN PRIVATE KEY-----' is wanted)");
        }

        try
        {
            return X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), text);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new CertificateException($"{keyFile}: not the key of the certificate in {certificateFile}", exception);
        }
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CertificateException($"{file}: no such file", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException($"{file}: {exception.Message}", exception);
        }
    }
}
