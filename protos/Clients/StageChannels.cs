using System.Globalization;
using Grpc.Net.Client;

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
    public static GrpcChannel Open(string address) => GrpcChannel.ForAddress($"http://{address}", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
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
        },
        DisposeHttpClient = true,
        MaxReceiveMessageSize = MaxControlMessageBytes,
        MaxSendMessageSize = MaxDataMessageBytes,
    });

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
