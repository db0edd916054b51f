using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>
/// Bounds what is in the server: the sequences that can run at the same time and a queue behind them. Who does not fit is told
/// at once when to come back, which is worth more than a place in a queue that is longer than patience. Thread-safe.
/// </summary>
internal sealed class AdmissionGate
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Unknown = TimeSpan.FromSeconds(5);

    private readonly int _running;
    private readonly int _capacity;
    private readonly CompletionRate _rate;
    private readonly Lock _lock = new();
    private int _active;
    private TaskCompletionSource? _empty;

    /// <param name="running">Sequences that are worked on at the same time.</param>
    /// <param name="queue">Sequences that may wait beside them.</param>
    public AdmissionGate(int running, int queue, TimeProvider timeProvider)
    {
        _running = running;
        _capacity = running + queue;
        _rate = new CompletionRate(timeProvider);
    }

    /// <summary>Sequences inside.</summary>
    public int Active
    {
        get
        {
            lock (_lock)
            {
                return _active;
            }
        }
    }

    /// <summary>Takes places for all sequences of a request, or none. Disposing the ticket gives them back.</summary>
    public AdmissionTicket Enter(int sequences)
    {
        if (sequences > _capacity)
        {
            throw ApiException.Invalid("n", $"the request asks for {sequences} answers in all; this server takes {_capacity} at a time");
        }

        lock (_lock)
        {
            if (_active + sequences > _capacity)
            {
                var wait = RetryAfterNeedsLock(_active + sequences - _capacity);
                throw ApiException.TooMany($"{_active} answers are being made or wait, and this server takes {_capacity} at a time; try again in {wait.TotalSeconds:0} s", wait);
            }

            _active += sequences;
        }

        return new AdmissionTicket(this, sequences);
    }

    /// <summary>False if somebody is still inside when the patience ends.</summary>
    public async Task<bool> WaitUntilEmptyAsync(TimeSpan patience, TimeProvider timeProvider)
    {
        Task empty;
        lock (_lock)
        {
            empty = _active == 0 ? Task.CompletedTask : (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        try
        {
            await empty.WaitAsync(patience, timeProvider);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>What a ticket does when it is given back.</summary>
    internal void Leave(int sequences)
    {
        lock (_lock)
        {
            _active -= sequences;
            if (_active == 0)
            {
                _empty?.TrySetResult();
                _empty = null;
            }

            for (var end = 0; end < sequences; end++)
            {
                _rate.Count();
            }
        }
    }

    /// <summary>Whoever comes back then finds the queue served that is there now, and a place for all that it asks.</summary>
    private TimeSpan RetryAfterNeedsLock(int missing)
    {
        var wait = _rate.TimeFor(Math.Max(missing, _active - _running)) ?? Unknown;
        return TimeSpan.FromSeconds(Math.Ceiling(Math.Clamp(wait.TotalSeconds, Shortest.TotalSeconds, Longest.TotalSeconds)));
    }
}
