using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Tests.Serving;

namespace Pipeline.Coordinator.Tests.Execution;

public class OutageSpellTests
{
    private readonly ManualClock _clock = new();
    private readonly OutageSpell _spell;

    public OutageSpellTests() => _spell = new OutageSpell(_clock);

    [Fact]
    public void Rest_AfterEpochsThatBringNothing_GrowsToTenSeconds()
    {
        var rests = Enumerable.Range(0, 12).Select(_ => RestAfterEpoch(idle: 0, steps: 1)).ToList();

        Assert.Equal([0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000], rests);
    }

    [Fact]
    public void StepCompleted_EndsTheSpell()
    {
        RestAfterEpoch(idle: 0, steps: 100);
        _spell.EpochBegins();
        _spell.StepSent();
        _spell.StepCompleted();
        _spell.EpochEnds();

        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero), (_spell.Elapsed, _spell.Rest));
    }

    /// <summary>One may hang or freeze for long before that is noticed. Whoever waited for its steps goes on waiting.</summary>
    [Theory]
    [InlineData(0, 300, 301)]
    [InlineData(9, 300, 310)]
    [InlineData(3600, 1, 0)]
    [InlineData(3600, 0, 0)]
    public void Elapsed_AfterAnotherEpoch_CountsFromTheFirstUnlessItStoodIdle(int idle, int steps, int expected)
    {
        RestAfterEpoch(idle: 0, steps: 1);
        _clock.Advance(TimeSpan.FromSeconds(1));
        RestAfterEpoch(idle, steps);

        Assert.Equal(expected, _spell.Elapsed.TotalSeconds);
    }

    /// <summary>Seconds before its first step, and from there to its end; without steps it ends idle.</summary>
    private double RestAfterEpoch(int idle, int steps)
    {
        _spell.EpochBegins();
        _clock.Advance(TimeSpan.FromSeconds(idle));
        if (steps > 0)
        {
            _spell.StepSent();
            _clock.Advance(TimeSpan.FromSeconds(steps));
        }

        _spell.EpochEnds();
        return _spell.Rest.TotalMilliseconds;
    }
}
