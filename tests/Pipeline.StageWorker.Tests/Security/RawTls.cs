using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>A client that is not ours and checks nothing: what a worker does about it is the worker's alone.</summary>
internal static class RawTls
{
    /// <summary>Shakes hands, says what an HTTP/2 client says first, and gives what comes back: nothing, from a worker that refuses.</summary>
    public static async Task<byte[]> TalkAsync(string address, SslProtocols protocols, (string CertificatePem, string KeyPem)? certificate)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(address), Token);
        using var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null);
        using var own = certificate is { } pem ? X509Certificate2.CreateFromPem(pem.CertificatePem, pem.KeyPem) : null;
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    EnabledSslProtocols = protocols,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    ClientCertificates = own is null ? null : [own],
                    LocalCertificateSelectionCallback = own is null ? null : (_, _, _, _, _) => own,
                },
                Token);
            // The preface of HTTP/2 and empty settings; a server that likes its client answers with its own.
            await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray(), Token);
            var answer = new byte[256];
            return answer[..await stream.ReadAsync(answer, Token).AsTask().WaitAsync(Eventually.Soon, Token)];
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException)
        {
            return [];
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
