using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>A coordinator that has gone on to another epoch must not take what is told of the one before for its own.</summary>
public class EpochTests
{
    [Fact]
    public async Task Failure_OfTheEpochBefore_IsDropped()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);

        stage.Connection.ExpectEpoch(2);
        Assert.Equal(StageError.OutOfOrder, (await stage.RefusalAsync(OutOfOrder(epoch: 1))).Error);
        await stage.StartAsync(change: start => start.Epoch = 2);
        Assert.Equal(StageError.WrongEpoch, (await stage.RefusalAsync(OutOfOrder(epoch: 7))).Error);

        // Events keep their order: what was told of the first would be here by now.
        Assert.Equal(StageError.WrongEpoch, (await stage.FailureAsync()).Error);
    }

    [Fact]
    public async Task Failure_OfThePresentEpoch_IsTold()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);

        stage.Connection.ExpectEpoch(1);
        await stage.RefusalAsync(OutOfOrder(epoch: 1));

        Assert.Equal(StageError.OutOfOrder, (await stage.FailureAsync()).Error);
    }

    [Fact]
    public async Task ReportsAndResults_OfTheEpochBefore_AreDropped()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var steps = Script.Write();
        await stage.StepAsync(steps[0]);
        stage.Connection.ExpectEpoch(2);
        await stage.SendAsync(steps[1]);
        await stage.CompleteAsync();
        await stage.StartAsync(change: start => start.Epoch = 2);

        var result = await stage.StepAsync(steps[0] with { Epoch = new PlanEpoch(2) });

        Assert.Equal((2, 1), (result.Epoch.Value, result.Step));
        await Eventually.HoldsAsync(() => Task.FromResult(stage.ReportCount >= 1), "a report");
        Assert.DoesNotContain(stage.Reports, report => report.Step == 2);
    }

    [Fact]
    public async Task Lease_ThatTheWorkerEnds_IsKnownToBeOver()
    {
        var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        Assert.False(stage.Connection.IsLeaseOver);

        await worker.DisposeAsync();

        await stage.FailureAsync();
        await Eventually.HoldsAsync(() => Task.FromResult(stage.Connection.IsLeaseOver), "the end of the lease");
    }

    private static Microbatch OutOfOrder(long epoch) => Script.Write()[0] with { Epoch = new PlanEpoch(epoch), Step = 9 };
}
