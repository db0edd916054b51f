using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Pipeline.Protos.Security;
using Pipeline.StageWorker.Diagnostics;

namespace Pipeline.StageWorker.Security;

/// <summary>
/// The port with certificates on both sides: who has none of our authority, or an old one, or speaks an older TLS, is refused in
/// the handshake, with one line in the log. No byte of theirs comes further.
/// </summary>
internal sealed class TlsEndpoint(PeerSecurity security, TimeProvider timeProvider, ILogger<TlsEndpoint> logger)
{
    private readonly Func<PeerCertificates> _certificates = security.Certificates!;

    public void Protect(ListenOptions endpoint)
    {
        endpoint.Use(next => connection => WatchAsync(next, connection));
        endpoint.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = context => ValueTask.FromResult(OptionsFor(context)) });
        endpoint.Use(next => connection => AdmitAsync(next, connection));
    }

    /// <summary>Around the handshake, whose own failures are not told to anybody.</summary>
    private async Task WatchAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        var handshake = Handshake.Begin(connection);
        try
        {
            await next(connection);
        }
#pragma warning disable CA1031 // a hello can be spoiled in ways that the framework's own parser does not expect; its connection is closed either way
        catch (Exception exception) when (!handshake.IsComplete)
#pragma warning restore CA1031
        {
            handshake.Problem ??= $"its hello makes no sense ({exception.Message})";
        }

        if (!handshake.IsComplete)
        {
            Log.PeerRefused(logger, $"{connection.RemoteEndPoint}", handshake.Describe(_certificates().Description));
        }
        else if (!handshake.IsUsed)
        {
            Log.PeerLeft(logger, $"{connection.RemoteEndPoint}", connection.Features.Get<AuthenticatedPeer>()?.Certificate ?? "nothing", _certificates().Description);
        }
    }

    /// <summary>Every connection is a whole handshake with what the files say then.</summary>
    private SslServerAuthenticationOptions OptionsFor(TlsHandshakeCallbackContext context)
    {
        var handshake = Handshake.Of(context.Connection);
        handshake.Greet(context.ClientHelloInfo.SslProtocols);
        var own = _certificates();
        return new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            ServerCertificateContext = own.Own,
            ClientCertificateRequired = true,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            CertificateChainPolicy = TlsRules.NoChain(),
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => (handshake.Problem = Problem(certificate as X509Certificate2, chain, own)) is null,
        };
    }

    private string? Problem(X509Certificate2? certificate, X509Chain? chain, PeerCertificates own)
    {
        if (PeerCheck.Problem(certificate, TlsRules.SentWith(chain), own, PeerCheck.ClientUsage, timeProvider.GetUtcNow()) is { } problem)
        {
            return problem;
        }

        return PeerIdentity.Of(certificate!) is null ? $"it presented {CertificateText.Describe(certificate!)}; the coordinator or a stage is wanted" : null;
    }

    private static Task AdmitAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        var handshake = Handshake.Of(connection);
        handshake.Complete();
        var certificate = connection.Features.GetRequiredFeature<ITlsConnectionFeature>().ClientCertificate!;
        connection.Features.Set(new AuthenticatedPeer(PeerIdentity.Of(certificate)!.Value, CertificateText.Describe(certificate), handshake));
        return next(connection);
    }
}
