using Pipeline.Coordinator.Observation;

namespace Pipeline.Coordinator.Tests.Observation;

/// <summary>Shares of a stretch of time: what is computed, sent, waited for, and when there was nothing to do.</summary>
public class StageActivityTests
{
    [Fact]
    public void Of_OneStepThroughTwoStages_HalfOfTheActiveTimeIsBubble()
    {
        // Active from 100 to 500 of 0 to 1000: each stage computes 150 and sends 50 of it.
        StepSpan[] steps = [Span(stage: 0, step: 1, received: 100, started: 100, finished: 250, sent: 300), Span(stage: 1, step: 1, received: 300, started: 300, finished: 450, sent: 500)];
        var activity = StageActivity.Of(steps, 2, 0, 1000);
        Assert.All(activity, stage => AssertShares((0.15, 0.05, 0.2, 0.6), stage));
        Assert.Equal(1 - (150.0 / 400), StageActivity.BubbleOf(activity), 1e-12);
    }

    [Fact]
    public void Of_StepsThatOverlapTheEdges_CountOnlyInside()
    {
        StepSpan[] steps = [Span(0, 1, -100, -50, 100, 120), Span(0, 2, 880, 900, 1100, 1200)];
        AssertShares((0.2, 0.02, 0.02, 0.76), Assert.Single(StageActivity.Of(steps, 1, 0, 1000)));
    }

    /// <summary>While one result is being sent the next step computes: no more time is given out than there is.</summary>
    [Fact]
    public void Of_SendingBesideComputing_SharesMakeOne()
    {
        StepSpan[] steps = [Span(0, 1, 0, 0, 500, 900), Span(0, 2, 100, 500, 1000, 1000)];
        AssertShares((1, 0, 0, 0), Assert.Single(StageActivity.Of(steps, 1, 0, 1000)));
    }

    [Fact]
    public void Of_NoSteps_IsIdleWithoutBubble()
    {
        var activity = StageActivity.Of([], 3, 0, 1000);
        Assert.All(activity, stage => AssertShares((0, 0, 0, 1), stage));
        Assert.Equal(0, StageActivity.BubbleOf(activity));
    }

    /// <summary>Whatever the steps, the parts are shares and make one.</summary>
    [Fact]
    public void Of_RandomSteps_PartsMakeOne()
    {
        var random = new Random(5);
        for (var run = 0; run < 200; run++)
        {
            var steps = Enumerable.Range(0, random.Next(40)).Select(step =>
            {
                var times = Enumerable.Range(0, 4).Select(_ => random.NextInt64(-300, 1300)).Order().ToArray();
                return Span(random.Next(3), step / 3, times[0], times[1], times[2], times[3]);
            }).ToList();
            foreach (var stage in StageActivity.Of(steps, 3, 0, 1000))
            {
                Assert.Equal(1, stage.Busy + stage.Sending + stage.Waiting + stage.Idle, 1e-9);
                Assert.All([stage.Busy, stage.Sending, stage.Waiting, stage.Idle], share => Assert.InRange(share, -1e-9, 1 + 1e-9));
            }
        }
    }

    private static StepSpan Span(int stage, long step, long received, long started, long finished, long sent) => new(stage, step, 0, 1, 1, received, started, finished, sent);

    private static void AssertShares((double Busy, double Sending, double Waiting, double Idle) expected, StageActivity actual)
    {
        Assert.Equal(expected.Busy, actual.Busy, 1e-12);
        Assert.Equal(expected.Sending, actual.Sending, 1e-12);
        Assert.Equal(expected.Waiting, actual.Waiting, 1e-12);
        Assert.Equal(expected.Idle, actual.Idle, 1e-12);
    }
}
