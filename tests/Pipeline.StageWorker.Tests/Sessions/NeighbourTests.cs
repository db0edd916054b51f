using Microsoft.Extensions.DependencyInjection;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using Pipeline.TestKit.Time;

namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>A start looks whether the next stage is there, and says which address is wrong if it is not.</summary>
public class NeighbourTests
{
    private static readonly ShardAssignment First = new(0, 2, new LayerRange(0, 2));

    [Fact]
    public async Task Start_NeighbourUnreachable_GivesUpAndNamesTheAddress()
    {
        await using var worker = await TestWorker.StartAsync(services => services.AddSingleton<TimeProvider>(new HurriedTime()));
        await using var stage = await TestStage.AttachAsync(worker, First);
        await stage.LoadAsync();
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync("127.0.0.1:1"));
        Refusal.Is(
            StageError.Unreachable, "stage 0 cannot reach the next one: cannot reach a stage worker at 127.0.0.1:1: Connection refused (gave up after 20 s)", refusal);
        Assert.Equal(0, refusal.StageIndex);
    }

    /// <summary>Another release does not become this one by waiting.</summary>
    [Fact]
    public async Task Start_NeighbourOfAnotherVersion_FailsAtOnce()
    {
        await using var neighbour = await OtherVersionWorker.StartAsync(7);
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachAsync(worker, First);
        await stage.LoadAsync();
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync(neighbour.Address).WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken));
        Assert.Equal((StageError.ProtocolMismatch, 1), (refusal.Error, refusal.StageIndex));
        Assert.StartsWith($"{neighbour.Address} speaks protocol version 7, this ", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Workers are started in any order: one that comes late is waited for.</summary>
    [Fact]
    public async Task Start_NeighbourThatComesLate_IsWaitedFor()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachAsync(worker, First);
        await stage.LoadAsync();
        var neighbour = await TestWorker.StartAsync();
        var address = neighbour.Address;
        await neighbour.DisposeAsync();
        var starting = stage.StartAsync(address);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(starting.IsCompleted);
        await using var late = await TestWorker.StartAsync(listen: address);
        await starting;
    }
}
