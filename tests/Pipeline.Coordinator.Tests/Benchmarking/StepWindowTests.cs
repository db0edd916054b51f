using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Diagnostics;
using static Pipeline.Coordinator.Tests.Benchmarking.StepReportTable;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class StepWindowTests
{
    [Fact]
    public void Of_StepsAcrossTheEnds_AreCutAndOthersDropped()
    {
        var steps = StepWindow.Of(
            [Row(0, 1, 0, 0, 10, 100, 110), Row(0, 2, 0, 80, 90, 150, 160), Row(0, 3, 0, 155, 160, 250, 260), Row(0, 4, 0, 290, 300, 350, 360)],
            [0], 100_000, 200_000);
        Assert.Equal([Row(0, 2, 0, 100, 100, 150, 160), Row(0, 3, 0, 155, 160, 200, 200)], steps);
    }

    [Fact]
    public void Of_StageOnAnotherClock_IsShiftedByItsOffset()
    {
        var steps = StepWindow.Of([Row(0, 1, 0, 10, 20, 30, 40), Row(1, 1, 0, 1040, 1050, 1060, 1070)], [0, -1_000_000], 0, 100_000);
        Assert.Equal([Row(0, 1, 0, 10, 20, 30, 40), Row(1, 1, 0, 40, 50, 60, 70)], steps);
        Assert.Equal([10.0], HopTimes.BetweenStages(steps));
    }

    [Fact]
    public void Of_StepsThatOnlyRelease_DoNotCount() =>
        Assert.Empty(StepWindow.Of([Row(0, 1, 0, 10, 20, 30, 40) with { Tokens = 0, Sequences = 0 }], [0], 0, 100_000));

    [Fact]
    public void Of_AlternatingStages_GiveTheBubbleOfTheSpanAlone()
    {
        // Stage 0 is busy 100..200 and 300..400, stage 1 200..300 and 400..500; seen from 100 to 500 each idles half the time.
        var steps = StepWindow.Of(
            [
                Row(0, 1, 0, 0, 0, 100, 100), Row(0, 2, 0, 100, 100, 200, 200), Row(0, 3, 0, 300, 300, 400, 400),
                Row(1, 1, 0, 100, 100, 100, 100), Row(1, 2, 0, 200, 200, 300, 300), Row(1, 3, 0, 400, 400, 500, 500), Row(0, 4, 0, 500, 500, 600, 600),
            ],
            [0, 0], 100_000, 500_000);
        var usage = Assert.Single(PhaseUsage.Of(steps, 2, _ => 0.25, 0.5));
        Assert.Equal(0.5, usage.BubbleShare, 9);
        Assert.Equal("decode", usage.Phase);
    }
}
