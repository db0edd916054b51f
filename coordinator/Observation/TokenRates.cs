using Pipeline.Coordinator.Scheduling;

namespace Pipeline.Coordinator.Observation;

/// <summary>Tokens a second over the last moments, from counts that only grow. Thread-safe.</summary>
internal sealed class TokenRates(TimeProvider timeProvider)
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Queue<(long At, TokenCounts Counts)> _samples = new();

    /// <summary>Takes the counts of now, and tells how fast they grew.</summary>
    public (double Prefill, double Decode) Sample(TokenCounts counts)
    {
        lock (_lock)
        {
            var now = timeProvider.GetTimestamp();
            if (_samples.Count == 0 || timeProvider.GetElapsedTime(_samples.Last().At, now) >= Apart)
            {
                _samples.Enqueue((now, counts));
            }

            while (_samples.Count > 2 && timeProvider.GetElapsedTime(_samples.Peek().At, now) > Length)
            {
                _samples.Dequeue();
            }

            var (at, before) = _samples.Peek();
            var seconds = timeProvider.GetElapsedTime(at, now).TotalSeconds;
            return seconds > 0 ? ((counts.Prefill - before.Prefill) / seconds, (counts.Decode - before.Decode) / seconds) : (0, 0);
        }
    }
}
