namespace Pipeline.Coordinator.Benchmarking;

/// <summary>
/// Notes when the tokens of a repetition come, and tells when enough of them are there. Tokens count for decode from the
/// moment at which every sequence has its first one. Thread-safe: each sequence has its own reader.
/// </summary>
public sealed class TokenArrivals(TimeProvider timeProvider, int sequences, int decodeTokens)
{
    private readonly Lock _lock = new();
    private readonly List<long>[] _times = [.. Enumerable.Range(0, sequences).Select(_ => new List<long>())];
    private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _began;
    private int _started;
    private int _decoded;

    /// <summary>Completes with the last first token and, after that, as many tokens as were wanted.</summary>
    public Task Enough => _enough.Task;

    public void Begin() => _began = Now;

    public void Add(int sequence)
    {
        lock (_lock)
        {
            var times = _times[sequence];
            times.Add(Now);
            if (_started == _times.Length)
            {
                _decoded++;
            }
            else if (times.Count == 1)
            {
                _started++;
            }

            if (_started == _times.Length && _decoded >= decodeTokens)
            {
                _enough.TrySetResult();
            }
        }
    }

    public ArrivalTimes Snapshot()
    {
        lock (_lock)
        {
            return new ArrivalTimes(_began, [.. _times.Select(times => times.ToArray())]);
        }
    }

    // The clock of the stages on this host: nanoseconds of the system's monotonic clock.
    private long Now => (long)(timeProvider.GetTimestamp() * (1e9 / timeProvider.TimestampFrequency));
}
