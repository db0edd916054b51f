using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.Hosting;

/// <summary>A worker that is asked to stop does, whatever is going on, and says so to whoever uses it.</summary>
public class ShutdownTests
{
    [Fact]
    public async Task Stop_WithLeaseAndStreamOpen_EndsWithinSeconds()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        await stage.StepAsync(Script.Write()[0]);
        await worker.StopAsync().WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        Refusal.Is(StageError.NotReady, "the stage is stopping", await stage.EndAsync());
        Refusal.Is(StageError.StageLost, $"{worker.Address} ended the lease (the worker is shutting down)", await stage.FailureAsync());
    }

    [Fact]
    public async Task Stop_WhileAStartWaitsForItsNeighbour_EndsWithinSeconds()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachAsync(worker, new(0, 2, new(0, 2)));
        await stage.LoadAsync();
        var starting = stage.StartAsync("127.0.0.1:1");
        await Task.Delay(100, TestContext.Current.CancellationToken);
        await worker.StopAsync().WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        Refusal.Is(StageError.NotReady, "the lease has ended or the stage is stopping", await Refusal.OfAsync(() => starting));
    }

    [Fact]
    public async Task Stop_Idle_EndsAtOnce()
    {
        await using var worker = await TestWorker.StartAsync();
        Assert.False(await worker.IsInUseAsync());
        await worker.StopAsync().WaitAsync(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
    }
}
