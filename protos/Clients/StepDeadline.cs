using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>
/// Watches whether the steps in a pipeline advance. A stage whose device hangs fails nothing, and its process goes on answering: only
/// that a step does not come back tells. Thread-safe.
/// </summary>
/// <param name="patience">How long one stage may have the oldest step.</param>
public sealed class StepDeadline(int stages, TimeSpan patience, TimeProvider timeProvider)
{
    private const int LooksPerPatience = 8;

    private readonly Lock _lock = new();
    private readonly long[] _finished = new long[stages];
    private long _sent;
    private long _answered;
    private long _since;

    /// <summary>Tells of a silence at every look while it lasts, until the watch is disposed of.</summary>
    internal IDisposable Watch(Action<StageException> onSilence)
    {
        var period = patience / LooksPerPatience;
        return timeProvider.CreateTimer(
            _ =>
            {
                if (FindSilence() is { } failure)
                {
                    onSilence(failure);
                }
            },
            null,
            period,
            period);
    }

    internal void Sent(long step)
    {
        lock (_lock)
        {
            _since = _sent == _answered ? timeProvider.GetTimestamp() : _since;
            _sent = step;
        }
    }

    internal void Answered(long step)
    {
        lock (_lock)
        {
            (_answered, _since) = (step, timeProvider.GetTimestamp());
        }
    }

    internal void Take(IReadOnlyList<StepReport> reports)
    {
        lock (_lock)
        {
            foreach (var report in reports)
            {
                _finished[report.StageIndex] = report.Step;
                _since = report.Step == _answered + 1 ? timeProvider.GetTimestamp() : _since;
            }
        }
    }

    /// <summary>The first stage that has not finished the step that is waited for; those behind it are silent for want of input.</summary>
    private StageException? FindSilence()
    {
        lock (_lock)
        {
            if (_sent == _answered || timeProvider.GetElapsedTime(_since) < patience)
            {
                return null;
            }

            var step = _answered + 1;
            var stage = Array.FindIndex(_finished, finished => finished < step);
            return new StageException(StageError.Timeout, $"has not finished step {step} for {patience.TotalSeconds:0.###} s", stage < 0 ? stages - 1 : stage) { Step = step };
        }
    }
}
