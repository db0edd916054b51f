using System.Net.Sockets;
using Grpc.Core;

namespace Pipeline.Protos.Clients;

/// <summary>Why a connection did not come about, in one clause: what is left when the layers in between are peeled off.</summary>
internal static class ConnectFailure
{
    public static string Describe(RpcException exception)
    {
        var chain = Chain(exception.Status.DebugException).ToList();
        if (chain.OfType<SocketException>().FirstOrDefault() is { } socket)
        {
            return socket.Message;
        }

        // Somebody took the connection, and then the conversation failed.
        var isConnected = chain.OfType<HttpRequestException>().Any() && !chain.OfType<TimeoutException>().Any();
        return isConnected ? "what listens there does not speak HTTP/2" : exception.Status.Detail;
    }

    private static IEnumerable<Exception> Chain(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            yield return exception;
        }
    }
}
