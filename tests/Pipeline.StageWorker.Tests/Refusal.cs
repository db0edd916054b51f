using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests;

/// <summary>A call that must be refused, and how it was.</summary>
internal static class Refusal
{
    public static async Task<StageException> OfAsync(Func<Task> call)
    {
        var exception = await Record.ExceptionAsync(call);
        return exception is RpcException rpc ? StageErrorCodec.FromRpc(rpc, null) : Assert.IsType<StageException>(exception);
    }

    public static void Is(StageError error, string message, StageException refusal) => Assert.Equal((error, message), (refusal.Error, refusal.Message));
}
