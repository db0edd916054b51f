using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class TokenArrivalsTests
{
    [Fact]
    public void Enough_Prefill_CompletesWithTheLastFirstToken()
    {
        var arrivals = new TokenArrivals(new StepClock(), sequences: 2, decodeTokens: 0);
        arrivals.Begin();
        arrivals.Add(1);
        Assert.False(arrivals.Enough.IsCompleted);
        arrivals.Add(0);
        Assert.True(arrivals.Enough.IsCompleted);
    }

    [Fact]
    public void Enough_Decode_DoesNotCountTokensBeforeAllHaveStarted()
    {
        var arrivals = new TokenArrivals(new StepClock(), sequences: 2, decodeTokens: 2);
        arrivals.Begin();
        foreach (var sequence in new[] { 0, 0, 0, 1, 1 })
        {
            arrivals.Add(sequence);
        }

        Assert.False(arrivals.Enough.IsCompleted);
        arrivals.Add(0);
        Assert.True(arrivals.Enough.IsCompleted);
    }

    [Fact]
    public void Snapshot_GivesNanosecondsBySequence()
    {
        var arrivals = new TokenArrivals(new StepClock(), sequences: 2, decodeTokens: 1);
        arrivals.Begin();
        arrivals.Add(0);
        arrivals.Add(1);
        arrivals.Add(0);
        var times = arrivals.Snapshot();
        Assert.Equal(1000, times.Began);
        Assert.Equal([[2000, 4000], [3000]], times.Sequences);
    }

    /// <summary>A clock of microseconds that goes on by one each time it is read.</summary>
    private sealed class StepClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => ++_now;
    }
}
