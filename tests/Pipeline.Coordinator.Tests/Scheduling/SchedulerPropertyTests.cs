namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Random requests, limits, arrivals, stops, cancels and restarts, against a simple model, a replaying stage and a solo oracle.</summary>
public class SchedulerPropertyTests
{
    [Fact]
    public void AnyScenario_IsPlayed_KeepsEveryPromise()
    {
        var coverage = new ScenarioCoverage();
        Scenarios.ForEach(1500, scenario =>
        {
            var run = new ScenarioRun(scenario);
            run.Play();
            coverage.Add(run.Coverage);
        });

        Assert.InRange(coverage.Preemptions, 100, int.MaxValue);
        Assert.InRange(coverage.CancelledInFlight, 100, int.MaxValue);
        Assert.InRange(coverage.RingReuses, 1000, int.MaxValue);
        Assert.InRange(coverage.ChunksFollowing, 1000, int.MaxValue);
        Assert.InRange(coverage.MixedSteps, 1000, int.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"{coverage.Preemptions} {coverage.CancelledInFlight} {coverage.RingReuses} {coverage.ChunksFollowing} {coverage.MixedSteps}");
    }
}
