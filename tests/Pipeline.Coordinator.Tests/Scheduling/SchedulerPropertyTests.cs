using Pipeline.Coordinator.Scheduling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Random requests, limits, arrivals, stops, cancels and restarts, against a simple model, a replaying stage and a solo oracle.</summary>
public class SchedulerPropertyTests
{
    [Fact]
    public void AnyScenario_IsPlayed_KeepsEveryPromise()
    {
        var coverage = new ScenarioCoverage();
        FixedSeeds.ForEach(Scenarios.Random, 2000, scenario =>
        {
            var run = new ScenarioRun(scenario);
            run.Play();
            coverage.Add(run.Coverage);
        });

        Assert.InRange(coverage.Preemptions, 100, int.MaxValue);
        Assert.InRange(coverage.CancelledInFlight, 100, int.MaxValue);
        Assert.InRange(coverage.RingReuses, 1000, int.MaxValue);
        Assert.InRange(coverage.ChunksFollowing, 1000, int.MaxValue);
        Assert.InRange(coverage.MixedSteps, 500, int.MaxValue);
        Assert.InRange(coverage.CachedTokens, 3000, long.MaxValue);
        Assert.InRange(coverage.Evictions, 1000, long.MaxValue);
        Assert.InRange(coverage.Turns, 1000, int.MaxValue);
    }

    /// <summary>Seven requests over three microbatches, eight over any number: the same texts, in the order of the requests.</summary>
    [Theory]
    [InlineData(7, 3)]
    [InlineData(8, 1)]
    [InlineData(8, 2)]
    [InlineData(8, 4)]
    [InlineData(8, 8)]
    public void SameRequests_InAnyNumberOfMicrobatches_BringTheSameTexts(int requests, int microbatches)
    {
        var options = SchedulerTestBed.Options with { Microbatches = microbatches };
        var prompts = Enumerable.Range(0, requests).Select(index => new SequenceRequest { Prompt = [.. Enumerable.Repeat(index % ToyModel.Vocabulary, index + 1)], MaxTokens = 9 });
        new ScenarioRun(new Scenario(options, SchedulerTestBed.Cache, [.. prompts], [])).Play();
    }
}
