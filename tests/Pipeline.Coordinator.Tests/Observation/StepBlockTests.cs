using Pipeline.Coordinator.Observation;

namespace Pipeline.Coordinator.Tests.Observation;

/// <summary>A timeline of seconds, in which short steps are shown together and long ones one by one.</summary>
public class StepBlockTests
{
    [Fact]
    public void Gather_LongSteps_AreShownOneByOne()
    {
        var blocks = Gather(Span(stage: 0, microbatch: 0, started: 0, finished: 90), Span(0, 1, 100, 190), Span(1, 0, 100, 180));

        Assert.Equal([(0, 0, 0, 90, 90), (0, 1, 100, 190, 90), (1, 0, 100, 180, 80)], blocks);
    }

    [Fact]
    public void Gather_ShortSteps_AreOneBlockThatTellsHowMuchWasComputed()
    {
        var blocks = Gather(Span(0, 3, 0, 10), Span(0, 3, 40, 60), Span(0, 3, 100, 110), Span(0, 4, 120, 130));

        Assert.Equal([(0, 3, 0, 60, 30), (0, -1, 100, 130, 20)], blocks);
    }

    /// <summary>What is sent four times a second stays small, however fast the model is.</summary>
    [Fact]
    public void Gather_ManySteps_AreNoMoreBlocksThanTheTimeHasResolutions()
    {
        var blocks = Gather([.. Enumerable.Range(0, 10_000).Select(step => Span(0, 0, step, step + 1))]);

        Assert.Equal(100, blocks.Count);
        Assert.All(blocks, block => Assert.Equal(100, block.Busy));
    }

    private static List<(int Stage, int Microbatch, long Started, long Finished, long Busy)> Gather(params StepSpan[] steps) =>
        [.. StepBlock.Gather(steps, resolution: 100).Select(block => (block.Stage, block.Microbatch, block.Started, block.Finished, block.Busy))];

    private static StepSpan Span(int stage, int microbatch, long started, long finished) =>
        new(stage, Step: started, microbatch, Tokens: 1, Sequences: 1, Received: started, started, finished, Sent: finished);
}
