using System.CommandLine;
using System.Net.Security;
using Pipeline.Protos.Security;

namespace Pipeline.Coordinator.Cli.Serve;

/// <summary>The certificate that clients of the API see. Its files are read again when they change.</summary>
internal sealed class HttpsOptions
{
    private readonly Option<string?> _keyFile = new("--ssl-keyfile") { Description = "Key of --ssl-certfile (PEM)", HelpName = "FILE" };
    private readonly Option<string?> _certificateFile = new("--ssl-certfile") { Description = "Serve HTTPS with this certificate (PEM, with those between it and its authority); renewed files are taken without a restart", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        command.Add(_keyFile);
        command.Add(_certificateFile);
    }

    /// <summary>Null for clear text.</summary>
    /// <param name="tell">Told when new files are taken, and why they are not.</param>
    public Func<SslStreamCertificateContext>? Resolve(ParseResult parsed, TimeProvider timeProvider, Action<string> tell)
    {
        var (key, certificate) = (parsed.GetValue(_keyFile), parsed.GetValue(_certificateFile));
        if (key is null && certificate is null)
        {
            return null;
        }

        if (key is null || certificate is null)
        {
            throw new UserErrorException(key is null ? "--ssl-certfile needs the key of the certificate too: --ssl-keyfile FILE" : "--ssl-keyfile needs the certificate of the key too: --ssl-certfile FILE");
        }

        try
        {
            return new RotatingFiles<SslStreamCertificateContext>(
                [certificate, key],
                () => PemFiles.ReadPair(certificate, key, timeProvider.GetUtcNow()),
                context => tell($"note: the API shows a new certificate: '{context.TargetCertificate.Subject}', valid until {CertificateText.Time(context.TargetCertificate.NotAfter)}"),
                problem => tell($"warning: the API's new certificate is not used, the one before stays: {problem}")).Current;
        }
        catch (CertificateException exception)
        {
            throw new UserErrorException($"--ssl-certfile, --ssl-keyfile: {exception.Message}");
        }
    }
}
