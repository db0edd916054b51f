using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class ArrivalTimesTests
{
    private const long Millisecond = 1_000_000;

    // Sequence 0 starts at 10 ms and decodes while sequence 1 is still in prefill; both have their first token at 40 ms.
    private static readonly ArrivalTimes TwoSequences = new(
        5 * Millisecond,
        [[.. Milliseconds(10, 25, 50, 60, 75, 90)], [.. Milliseconds(40, 52, 62, 76)]]);

    [Fact]
    public void Prefill_TwoSequences_LastsUntilTheLastFirstToken()
    {
        var timing = TwoSequences.Prefill(promptTokens: 70);
        Assert.Equal((5 * Millisecond, 40 * Millisecond), (timing.From, timing.To));
        Assert.Equal(2000, timing.TokensPerSecond, 9);
        Assert.Equal([5.0, 35.0], timing.LatencyMilliseconds);
    }

    [Fact]
    public void Decode_TwoSequences_CountsOnlyWhatCameAfterAllHadStarted()
    {
        var timing = TwoSequences.Decode(tokens: 4);
        Assert.Equal((40 * Millisecond, 62 * Millisecond), (timing.From, timing.To));
        Assert.Equal(4 / 0.022, timing.TokensPerSecond, 9);
    }

    [Fact]
    public void Decode_TwoSequences_IntervalsLieInsideTheSpan() =>
        Assert.Equal([10.0, 12.0, 10.0], TwoSequences.Decode(tokens: 4).LatencyMilliseconds);

    private static IEnumerable<long> Milliseconds(params int[] times) => times.Select(time => time * Millisecond);
}
