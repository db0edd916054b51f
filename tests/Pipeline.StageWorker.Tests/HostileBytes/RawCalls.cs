using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>Calls whose messages are bytes, whatever they mean.</summary>
internal sealed class RawCalls(TestWorker worker) : IDisposable
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);

    // Without the limits that our own clients keep to.
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress($"http://{worker.Address}", new GrpcChannelOptions { MaxSendMessageSize = null, MaxReceiveMessageSize = null });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Sends the messages and gives how the worker took them: null if it took them, else its error.</summary>
    public async Task<StageException?> SendAsync(string service, string method, long lease, IReadOnlyList<byte[]> messages)
    {
        var options = new CallOptions(LeaseHeaders.Of(lease), deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Eventually.Soon, cancellationToken: Token);
        using var call = _channel.CreateCallInvoker().AsyncDuplexStreamingCall(new Method<byte[], byte[]>(MethodType.DuplexStreaming, service, method, Bytes, Bytes), null, options);
        try
        {
            foreach (var message in messages)
            {
                await call.RequestStream.WriteAsync(message, Token);
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException or IOException)
        {
            // The worker has said no already; what it said is below.
        }

        try
        {
            while (await call.ResponseStream.MoveNext(Token))
            {
            }

            return null;
        }
        catch (RpcException exception)
        {
            return Typed(exception);
        }
    }

    /// <summary>A message as it goes over the wire.</summary>
    public static byte[] Wire(IMessage message) => message.ToByteArray();

    public void Dispose() => _channel.Dispose();

    private static StageException Typed(RpcException exception)
    {
        var error = StageErrorCodec.FromRpc(exception, null);
        Assert.True(error.Error is not (StageError.StageLost or StageError.Timeout), $"an error without a type: {exception.Status}");
        return error;
    }
}
