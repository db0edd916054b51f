using Pipeline.Coordinator.Serving.Health;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Which stage is to blame, by a clock that is moved by hand.</summary>
public class ReadinessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualClock _clock = new();

    [Fact]
    public void FindSilent_AllAdvanced_IsNobody()
    {
        var watch = new StageWatch(3, _clock);
        _clock.Advance(Patience);

        Assert.Null(watch.FindSilent(Patience));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Advance(watch, step: 1, 0, 1, 2);
        Assert.Null(watch.FindSilent(Patience));
    }

    /// <summary>Stages behind a frozen one are silent too.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void FindSilent_OneIsFrozen_IsThatOne(int frozen)
    {
        var watch = new StageWatch(4, _clock);
        Advance(watch, step: 7, 0, 1, 2, 3);
        Advance(watch, step: 8, [.. Enumerable.Range(0, frozen)]);
        _clock.Advance(Patience + TimeSpan.FromSeconds(1));

        Assert.Equal(frozen, watch.FindSilent(Patience));
    }

    /// <summary>A stage may have told of its last step a little later than the one behind it.</summary>
    [Fact]
    public void FindSilent_StageBehindItIsSilentForLonger_IsStillTheFrozenOne()
    {
        var watch = new StageWatch(3, _clock);
        Advance(watch, step: 7, 2);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Advance(watch, step: 7, 0, 1);
        Advance(watch, step: 8, 0);
        _clock.Advance(Patience);

        Assert.Equal(1, watch.FindSilent(Patience));
    }

    [Fact]
    public void FindSilent_OthersGoOn_IsTheSilentOne()
    {
        var watch = new StageWatch(3, _clock);
        _clock.Advance(Patience + TimeSpan.FromSeconds(1));
        Advance(watch, step: 9, 0, 2);

        Assert.Equal(1, watch.FindSilent(Patience));
    }

    private static void Advance(StageWatch watch, long step, params int[] stages) =>
        watch.Take([.. stages.Select(stage => new StepReport(stage, step, default, 1, 1, 0, 0, 1, 1))]);
}
