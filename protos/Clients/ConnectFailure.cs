using System.Net.Sockets;
using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Security;

namespace Pipeline.Protos.Clients;

/// <summary>Why a connection did not come about, in one clause: what is left when the layers in between are peeled off.</summary>
internal static class ConnectFailure
{
    /// <param name="shown">This side's certificates; null in clear text.</param>
    public static string Describe(RpcException exception, PeerCertificates? shown)
    {
        var chain = Chain(exception.Status.DebugException).ToList();
        if (chain.OfType<HandshakeException>().FirstOrDefault() is { } handshake)
        {
            return handshake.Message;
        }

        if (chain.OfType<SocketException>().FirstOrDefault() is { } socket && (shown is null || socket.SocketErrorCode is not (SocketError.ConnectionReset or SocketError.Shutdown)))
        {
            return socket.Message;
        }

        if (StageErrorCodec.IsSilence(exception))
        {
            return "what listens there takes connections and says nothing; is it frozen?";
        }

        // Somebody took the connection, and then the conversation failed.
        var isConnected = chain.OfType<HttpRequestException>().Any() && !chain.OfType<TimeoutException>().Any();
        if (!isConnected)
        {
            return exception.Status.Detail;
        }

        // In TLS 1.3 the server looks at the client's certificate when the client has finished, and says no by hanging up.
        return shown is null
            ? "what listens there does not speak HTTP/2 in clear text (a worker with --tls wants --tls here too)"
            : $"it hung up after the handshake, so it does not accept what was shown: {shown.Description}; its log names what it wants";
    }

    private static IEnumerable<Exception> Chain(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            yield return exception;
        }
    }
}
