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

        return chain.OfType<HttpRequestException>().FirstOrDefault()?.HttpRequestError is HttpRequestError.HttpProtocolError or HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded
            ? "what listens there does not speak HTTP/2"
            : exception.Status.Detail;
    }

    private static IEnumerable<Exception> Chain(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            yield return exception;
        }
    }
}
