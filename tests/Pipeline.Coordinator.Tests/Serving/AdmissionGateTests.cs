using Pipeline.Coordinator.Serving.Admission;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>The gate by a clock that is moved by hand: when is whoever is refused told to come back?</summary>
public class AdmissionGateTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void RetryAfter_IsTheQueueOverTheRateOfLate()
    {
        var gate = new AdmissionGate(running: 2, queue: 8, _clock);
        // One sequence in two seconds.
        for (var end = 0; end < 20; end++)
        {
            var ticket = gate.Enter(1);
            _clock.Advance(TimeSpan.FromSeconds(2));
            ticket.Dispose();
        }

        gate.Enter(10);

        // Eight wait, each place takes two seconds.
        Assert.Equal(TimeSpan.FromSeconds(16), Refusal(gate, 1).RetryAfter);
    }

    [Fact]
    public void RetryAfter_NothingEndedYet_IsAGuess()
    {
        var gate = new AdmissionGate(running: 1, queue: 0, _clock);
        gate.Enter(1);

        Assert.Equal(TimeSpan.FromSeconds(5), Refusal(gate, 1).RetryAfter);
    }

    [Fact]
    public void RetryAfter_StandstillMakesItLonger()
    {
        var gate = new AdmissionGate(running: 1, queue: 0, _clock);
        gate.Enter(1).Dispose();
        _clock.Advance(TimeSpan.FromSeconds(10));
        gate.Enter(1);
        var before = Refusal(gate, 1).RetryAfter;
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(TimeSpan.FromSeconds(10), before);
        Assert.Equal(TimeSpan.FromSeconds(20), Refusal(gate, 1).RetryAfter);
    }

    [Fact]
    public void Enter_AllOrNone()
    {
        var gate = new AdmissionGate(running: 2, queue: 2, _clock);
        using var inside = gate.Enter(3);

        Assert.Equal(429, Refusal(gate, 2).Status);
        Assert.Equal(3, gate.Active);
        gate.Enter(1);
        Assert.Equal(4, gate.Active);
    }

    [Fact]
    public void Enter_MoreThanTheServerEverTakes_IsNoMatterOfLoad() =>
        Assert.Equal((400, null), (Refusal(new AdmissionGate(2, 2, _clock), 5).Status, Refusal(new AdmissionGate(2, 2, _clock), 5).RetryAfter));

    [Fact]
    public void Ticket_GivenBackTwice_CountsOnce()
    {
        var gate = new AdmissionGate(2, 0, _clock);
        var ticket = gate.Enter(2);
        ticket.Dispose();
        ticket.Dispose();

        Assert.Equal(0, gate.Active);
    }

    [Fact]
    public async Task WaitUntilEmpty_SomebodyStays_GivesUp()
    {
        var gate = new AdmissionGate(1, 0, _clock);
        gate.Enter(1);
        var waiting = gate.WaitUntilEmptyAsync(TimeSpan.FromSeconds(3), _clock);
        await _clock.AdvanceAsync(TimeSpan.FromSeconds(3));

        Assert.False(await waiting);
    }

    private static ApiException Refusal(AdmissionGate gate, int sequences) => Assert.Throws<ApiException>(() => gate.Enter(sequences));
}
