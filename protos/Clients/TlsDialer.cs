using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Pipeline.Protos.Security;

namespace Pipeline.Protos.Clients;

/// <summary>
/// Connects to a stage with certificates on both sides, and takes nobody else for it. Every connection is a whole handshake with
/// what the files say then: nothing is resumed that was agreed under older ones.
/// </summary>
internal sealed class TlsDialer(Func<PeerCertificates> certificates, PeerIdentity target)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
            return await ShakeHandsAsync(new NetworkStream(socket, ownsSocket: true), context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<SslStream> ShakeHandsAsync(NetworkStream network, DnsEndPoint peer, CancellationToken cancellationToken)
    {
        var own = certificates();
        string? problem = null;
        var stream = new SslStream(network);
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = peer.Host,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    ClientCertificateContext = own.Own,
                    AllowTlsResume = false,
                    AllowRenegotiation = false,
                    CertificateChainPolicy = TlsRules.NoChain(),
                    RemoteCertificateValidationCallback = (_, certificate, chain, _) => (problem = Problem(certificate as X509Certificate2, chain, own)) is null,
                },
                cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw problem is not null
                ? new UntrustedPeerException($"{peer.Host}:{peer.Port}: {problem}", exception)
                : new HandshakeException($"no TLS 1.3 connection came about ({Innermost(exception).Message}); shown was {own.Description}", exception);
        }
    }

    /// <summary>Identity counts, not the name that was dialled: an address says where somebody is, not who.</summary>
    private string? Problem(X509Certificate2? certificate, X509Chain? chain, PeerCertificates own)
    {
        if (PeerCheck.Problem(certificate, TlsRules.SentWith(chain), own, PeerCheck.ServerUsage, TimeProvider.System.GetUtcNow()) is { } problem)
        {
            return problem;
        }

        return PeerIdentity.Of(certificate!) == target ? null : $"it presented {CertificateText.Describe(certificate!)}; {target} is wanted";
    }

    private static Exception Innermost(Exception exception) => exception.InnerException is { } inner ? Innermost(inner) : exception;
}
