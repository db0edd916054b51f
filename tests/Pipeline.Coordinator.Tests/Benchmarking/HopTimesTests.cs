using Pipeline.Coordinator.Benchmarking;
using Pipeline.Shared.Stages;
using static Pipeline.Coordinator.Tests.Benchmarking.StepReportTable;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class HopTimesTests
{
    // Two microbatches take turns in two stages; reports come in the order of arrival, not of time.
    private static readonly StepReport[] TwoStages =
    [
        Row(stage: 0, step: 1, microbatch: 0, received: 90, started: 100, finished: 200, sent: 230),
        Row(0, 2, 1, 110, 205, 300, 310),
        Row(0, 3, 0, 700, 710, 800, 820),
        Row(1, 1, 0, 260, 270, 400, 405),
        Row(1, 3, 0, 900, 905, 990, 995),
        Row(1, 2, 1, 355, 410, 500, 505),
        Row(0, 4, 1, 760, 805, 880, 890),
    ];

    [Fact]
    public void BetweenStages_TwoStages_IsFromFinishedToReceivedOfTheSameStep() =>
        Assert.Equal([55.0, 60.0, 100.0], HopTimes.BetweenStages(TwoStages).Order());

    [Fact]
    public void BetweenStages_NextStageHadItFirst_IsNoTime() =>
        Assert.Equal([0.0], HopTimes.BetweenStages([Row(0, 1, 0, 90, 100, 200, 230), Row(1, 1, 0, 195, 195, 400, 405)]));

    [Fact]
    public void BetweenStages_OneStage_HasNone() => Assert.Empty(HopTimes.BetweenStages([.. TwoStages.Where(report => report.StageIndex == 0)]));

    [Fact]
    public void ThroughCoordinator_TwoMicrobatches_FollowsEachOnItsOwn() =>
        Assert.Equal([260.0, 300.0], HopTimes.ThroughCoordinator(TwoStages, stages: 2).Order());

    [Fact]
    public void ThroughCoordinator_OneStage_IsFromItsOwnFinishToItsNextStep() =>
        Assert.Equal([500.0, 460.0], HopTimes.ThroughCoordinator([.. TwoStages.Where(report => report.StageIndex == 0)], stages: 1));
}
