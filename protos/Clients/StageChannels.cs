using System.Globalization;
using System.Net;
using Grpc.Net.Client;
using Pipeline.Protos.Security;

namespace Pipeline.Protos.Clients;

/// <summary>Channels to stages, tuned for long streams and large tensors.</summary>
public static class StageChannels
{
    /// <summary>Largest control message: the raw logits of a whole chunk, which only verification asks for.</summary>
    public const int MaxControlMessageBytes = 512 * 1024 * 1024;

    /// <summary>Largest data message: one piece and the bookkeeping of a full microbatch.</summary>
    public const int MaxDataMessageBytes = 16 * 1024 * 1024;

    /// <summary>
    /// A connection of its own, so that bulk data never delays control messages. <paramref name="address"/> is host:port.
    /// </summary>
    /// <param name="stage">Whom the caller means to reach; where there are certificates, nobody else is taken for it.</param>
    /// <param name="certificates">Asked at every handshake; null speaks clear text.</param>
    public static GrpcChannel Open(string address, int stage, Func<PeerCertificates>? certificates)
    {
        var handler = new SocketsHttpHandler
        {
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // A dead process closes its sockets and is noticed at once; pings are for frozen hosts and cut cables. A host that is
            // merely overloaded must not be taken for dead, so patience is longer than any step of the scheduler there.
            KeepAlivePingDelay = TimeSpan.FromSeconds(1),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(6),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = 16 * 1024 * 1024,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            UseProxy = false,
        };
        if (certificates is not null)
        {
            handler.ConnectCallback = new TlsDialer(certificates, PeerIdentity.Stage(stage)).ConnectAsync;
        }

        return GrpcChannel.ForAddress($"{(certificates is null ? "http" : "https")}://{address}", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxControlMessageBytes,
            MaxSendMessageSize = MaxDataMessageBytes,
        });
    }

    /// <summary>
    /// Whether what is sent to host:port stays on this host: only addresses that say so themselves, for a name means what a name
    /// server wants it to mean.
    /// </summary>
    public static bool IsLoopback(string address)
    {
        var host = address[..Math.Max(0, address.LastIndexOf(':'))];
        return host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var parsed) && IsLoopback(parsed));
    }

    public static bool IsLoopback(IPAddress address) => IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    /// <summary>Checks host:port, and nothing before, between or after; an IPv6 host stands in brackets.</summary>
    public static bool IsValidAddress(string address)
    {
        var colon = address.LastIndexOf(':');
        return colon > 0
            && ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            && Uri.CheckHostName(address[..colon]) is var host && host != UriHostNameType.Unknown
            && (host != UriHostNameType.IPv6 || address[0] == '[');
    }
}
