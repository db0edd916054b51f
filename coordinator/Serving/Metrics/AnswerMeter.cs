using Pipeline.Coordinator.Generation;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Metrics;

/// <summary>Times one answer, from its request's arrival to its end.</summary>
internal sealed class AnswerMeter(RequestMetrics metrics, TimeProvider timeProvider)
{
    private readonly long _arrived = timeProvider.GetTimestamp();
    private long _started;
    private long _first;
    private long _last;
    private int _tokens;
    private bool _ended;

    /// <summary>Its prompt enters the pipe.</summary>
    public void Start() => Volatile.Write(ref _started, timeProvider.GetTimestamp());

    public void Take(GenerationDelta delta)
    {
        foreach (var _ in delta.Tokens)
        {
            var now = timeProvider.GetTimestamp();
            if (_tokens++ == 0)
            {
                _first = now;
                metrics.TakeFirstToken(Since(_arrived, now), Waited(now));
            }
            else
            {
                metrics.TakeNextToken(Since(_last, now));
            }

            _last = now;
        }

        if (delta.FinishReason is { } reason)
        {
            End(reason);
        }
    }

    /// <summary>Nothing more comes, whether it was complete or not.</summary>
    public void End(FinishReason reason)
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        var now = timeProvider.GetTimestamp();
        metrics.TakeEnd(reason, _tokens, Since(_arrived, now), Waited(now), _tokens > 0 ? Since(_first, now) : TimeSpan.Zero);
    }

    /// <summary>The word of its start may still be on the way when a quick answer is there already.</summary>
    private TimeSpan Waited(long now) => Volatile.Read(ref _started) is var started and > 0 ? Since(_arrived, Math.Min(started, now)) : TimeSpan.Zero;

    private TimeSpan Since(long from, long to) => timeProvider.GetElapsedTime(from, to);
}
