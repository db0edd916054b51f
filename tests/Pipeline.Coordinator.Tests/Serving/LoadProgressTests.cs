using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Tests.Stages;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>What is told of a launch, and of a stage that is lost and comes back.</summary>
public class LoadProgressTests
{
    private readonly LoadProgress _progress = new(new SilentObserver());

    [Fact]
    public void Describe_BeforeAnything_SaysSo() => Assert.Equal("the workers are being started", _progress.Describe());

    [Fact]
    public void Describe_Launch_TellsHowFarAndWhoIsMissing()
    {
        _progress.Starting(3, local: false);
        _progress.Reached(0, "there:1");
        _progress.Retrying(1, "there:2", 1, "Connection refused");
        Assert.Equal("0 of 3 stages loaded; stage 1 is missing: Connection refused; stage 2 is missing", _progress.Describe());

        _progress.Reached(1, "there:2");
        _progress.Reached(2, "there:3");
        _progress.Loading(0, 25, 100);
        _progress.Loaded(1, 100, 1);
        Assert.Equal("1 of 3 stages loaded, 62 % of the bytes known so far", _progress.Describe());
    }

    [Fact]
    public void Trouble_FollowsAStageThroughItsLoss()
    {
        _progress.Starting(2, local: true);
        _progress.Reached(1, "here:1");
        _progress.Loaded(1, 100, 1);
        Assert.Equal("", _progress.TroubleOf(1));

        _progress.Lost(1, "killed");
        Assert.Equal("lost", _progress.TroubleOf(1));
        Assert.Contains("stage 1 is missing: killed", _progress.Describe(), StringComparison.Ordinal);
        _progress.Reached(1, "here:2");
        _progress.Loading(1, 42, 100);
        Assert.Equal("loading 42 %", _progress.TroubleOf(1));
        _progress.Loaded(1, 100, 1);
        Assert.Equal("", _progress.TroubleOf(1));
    }

    [Fact]
    public void Trouble_OfStagesNobodyHasHeardOf_IsNone() => Assert.Equal("", _progress.TroubleOf(7));
}
