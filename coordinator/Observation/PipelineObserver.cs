using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Observation;

/// <summary>Looks at a running pipeline without disturbing it. Thread-safe.</summary>
internal sealed class PipelineObserver : IDisposable
{
    private const int HopSteps = 200;

    // Of all stages: enough for the eye, and few enough to send some times a second.
    private const int TimelineBlocks = 1200;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan TimelineWindow = TimeSpan.FromSeconds(4);

    // Stages gather their reports; before that time nearly all have come.
    private static readonly TimeSpan ReportDelay = TimeSpan.FromMilliseconds(120);

    private readonly StepLog _log;
    private readonly IReadOnlyList<StageStatus> _stages;
    private readonly TimeProvider _timeProvider;
    private readonly RecentSteps _steps;
    private readonly TokenRates _rates;

    public PipelineObserver(StepLog log, IReadOnlyList<StageStatus> stages, TimeProvider timeProvider)
    {
        (_log, _stages, _timeProvider) = (log, stages, timeProvider);
        _rates = new TokenRates(timeProvider);
        _steps = new RecentSteps([.. stages.Select(stage => stage.ClockOffset)]);
        log.Added += _steps.Add;
    }

    public IReadOnlyList<StageActivity> Activity()
    {
        var (from, to) = LastMoments;
        return StageActivity.Of(_steps.Since(from), _stages.Count, from, to);
    }

    /// <param name="view">What is known besides; the pipeline's part is filled in.</param>
    /// <param name="troubleOf">What is known against a stage; empty if nothing is.</param>
    public PipelineView Observe(PipelineView view, SchedulerCounters counters, Func<int, string> troubleOf)
    {
        var (from, to) = LastMoments;
        var steps = _steps.Since(from);
        var activity = StageActivity.Of(steps, _stages.Count, from, to);
        var (prefill, decode) = _rates.Sample(counters.Scheduled);
        return view with
        {
            Running = counters.Running,
            Waiting = counters.Waiting,
            InFlight = counters.InFlight,
            CacheUsage = counters.CacheUsage,
            Preemptions = counters.Preemptions,
            PrefixHitRate = counters.Prefixes.QueriedTokens > 0 ? (double)counters.Prefixes.HitTokens / counters.Prefixes.QueriedTokens : null,
            PrefillTokensPerSecond = prefill,
            DecodeTokensPerSecond = decode,
            Bubble = StageActivity.BubbleOf(activity),
            HopMicroseconds = MedianHop(steps),
            Stages = [.. _stages.Select((stage, index) => ViewOf(stage, index, activity[index], steps, troubleOf(index)))],
            Timeline = TimelineOf(Now),
        };
    }

    public void Dispose() => _log.Added -= _steps.Add;

    private long Now => (long)(_timeProvider.GetTimestamp() * (1e9 / _timeProvider.TimestampFrequency));

    private (long From, long To) LastMoments
    {
        get
        {
            var to = Now - Nanoseconds(ReportDelay);
            return (to - Nanoseconds(Window), to);
        }
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private static StageView ViewOf(StageStatus status, int stage, StageActivity activity, IReadOnlyList<StepSpan> steps, string trouble) => new(
        stage,
        status.Shard.Layers.ToString(),
        status.Device,
        status.DeviceName,
        status.WeightBytes,
        status.CacheBytes,
        trouble.Length == 0,
        activity.Busy,
        activity.Sending,
        activity.Waiting,
        activity.Idle,
        Median(steps.Where(step => step.Stage == stage && step.Tokens > 0).Select(step => (step.Finished - step.Started) / 1e6)))
    {
        Trouble = trouble,
    };

    private static double? MedianHop(IReadOnlyList<StepSpan> steps)
    {
        var latest = steps.TakeLast(HopSteps).ToList();
        var finished = latest.ToLookup(step => (step.Stage, step.Step), step => step.Finished);
        return Median(latest.SelectMany(step => finished[(step.Stage - 1, step.Step)].Select(before => Math.Max(0, (step.Received - before) / 1e3))));
    }

    private static double? Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered.Count == 0 ? null : ordered[ordered.Count / 2];
    }

    private List<long[]> TimelineOf(long now)
    {
        var length = Nanoseconds(TimelineWindow);
        return [.. StepBlock.Gather(_steps.Since(now - length), length * _stages.Count / TimelineBlocks).Select(block => block.Before(now))];
    }
}
