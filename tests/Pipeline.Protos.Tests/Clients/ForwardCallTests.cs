using Pipeline.Protos.Clients;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Clients;

public class ForwardCallTests
{
    /// <summary>Memory that worked when the transport was chosen may not be there any more, and whoever mends pipelines has to understand why.</summary>
    [Fact]
    public async Task Open_WithoutSharedMemory_IsATypedFailure()
    {
        using var channel = StageChannels.Open("127.0.0.1:1", 2, null);

        var failure = await Assert.ThrowsAsync<StageException>(
            () => ForwardCall.OpenAsync(channel.CreateCallInvoker(), 2, 1, () => throw new IOException("too many open files"), TestContext.Current.CancellationToken));

        Assert.Equal((StageError.Unreachable, 2, "no shared memory with stage 2: too many open files"), (failure.Error, failure.StageIndex, failure.Message));
    }
}
