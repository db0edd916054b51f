namespace Pipeline.Coordinator.Benchmarking;

/// <summary>When a repetition began and when each token of each sequence came, in nanoseconds.</summary>
public sealed record ArrivalTimes(long Began, IReadOnlyList<long[]> Sequences)
{
    private long AllStarted => Sequences.Max(times => times[0]);

    /// <summary>From the beginning until every sequence has its first token; the latencies are the times to those.</summary>
    public Timing Prefill(int promptTokens) => new(Began, AllStarted, promptTokens, [.. Sequences.Select(times => (times[0] - Began) / 1e6)]);

    /// <summary>
    /// The given number of tokens that came after every sequence had its first; the latencies are the intervals between
    /// tokens of one sequence that lie in this time.
    /// </summary>
    public Timing Decode(int tokens)
    {
        var from = AllStarted;
        var to = Sequences.SelectMany(times => times).Where(time => time > from).Order().ElementAt(tokens - 1);
        var intervals = Sequences.SelectMany(times => times.Zip(times.Skip(1))).Where(pair => pair.First >= from && pair.Second <= to);
        return new Timing(from, to, tokens, [.. intervals.Select(pair => (pair.Second - pair.First) / 1e6)]);
    }
}
