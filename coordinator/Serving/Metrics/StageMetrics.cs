using System.Globalization;
using Pipeline.Coordinator.Observation;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.Live;
using Pipeline.Shared.Stages;
using Prometheus;

namespace Pipeline.Coordinator.Serving.Metrics;

/// <summary>What the pipeline itself does: its queue and cache, and how every stage spends its time.</summary>
internal sealed class StageMetrics
{
    private readonly Availability _availability;
    private readonly Readiness _readiness;
    private readonly LiveView _live;
    private readonly Gauge _running;
    private readonly Gauge _waiting;
    private readonly Gauge _cacheUsage;
    private readonly Counter _preemptions;
    private readonly Counter _prefixQueries;
    private readonly Counter _prefixHits;
    private readonly Histogram _stepTokens;
    private readonly Gauge _busyRatio;
    private readonly Gauge _bubbleRatio;
    private readonly Gauge _up;
    private readonly Gauge _epoch;
    private readonly Counter _recoveries;
    private readonly Counter _recoverySeconds;
    private readonly Gauge _loadSeconds;
    private readonly Gauge _blocks;
    private readonly Counter _steps;
    private readonly Counter _busySeconds;
    private readonly Histogram _hopSeconds;

    public StageMetrics(CollectorRegistry registry, IMetricFactory metrics, Availability availability, Readiness readiness, LiveView live)
    {
        (_availability, _readiness, _live) = (availability, readiness, live);
        _running = metrics.CreateGauge(ExpositionText.Prefix + "num_requests_running", "Sequences that hold cache and are being computed.");
        _waiting = metrics.CreateGauge(ExpositionText.Prefix + "num_requests_waiting", "Sequences that wait to be admitted.");
        _cacheUsage = metrics.CreateGauge(ExpositionText.Prefix + "kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.");
        _preemptions = metrics.CreateCounter(ExpositionText.Prefix + "num_preemptions_total", "Sequences that had to give their blocks back and be computed again.");
        _prefixQueries = metrics.CreateCounter(ExpositionText.Prefix + "prefix_cache_queries_total", "Tokens of prompts that were looked up in the prefix cache.");
        _prefixHits = metrics.CreateCounter(ExpositionText.Prefix + "prefix_cache_hits_total", "Those of them that were there and did not have to be computed.");
        _stepTokens = metrics.CreateHistogram(ExpositionText.Prefix + "iteration_tokens_total", "Tokens of a step.", new HistogramConfiguration { Buckets = MetricBuckets.StepTokens });
        _busyRatio = metrics.CreateGauge("pipeline_stage_busy_ratio", "Share of the last seconds in which the stage computed.", ["stage"]);
        _bubbleRatio = metrics.CreateGauge("pipeline_bubble_ratio", "Share of the last seconds in which something was in the pipe that the stages did not compute; 0 when nothing was.");
        _up = metrics.CreateGauge("pipeline_stage_up", "1 as long as the stage is not known to be lost or silent.", ["stage"]);
        _epoch = metrics.CreateGauge("pipeline_epoch", "The epoch that the stages are in.");
        _recoveries = metrics.CreateCounter("pipeline_recoveries_total", "Times that the pipeline broke and was brought back.");
        _recoverySeconds = metrics.CreateCounter("pipeline_recovery_seconds_total", "Time that was lost until it was back.");
        _loadSeconds = metrics.CreateGauge("pipeline_stage_load_seconds", "Time that loading the stage's shard took.", ["stage"]);
        _blocks = metrics.CreateGauge("pipeline_kv_pages", "KV blocks by state, over all cache groups: free or used; cached are those of the free ones that hold a prefix.", ["state"]);
        _steps = metrics.CreateCounter("pipeline_stage_steps_total", "Steps that the stage computed.", ["stage"]);
        _busySeconds = metrics.CreateCounter("pipeline_stage_busy_seconds_total", "Time that the stage computed.", ["stage"]);
        _hopSeconds = metrics.CreateHistogram("pipeline_hop_seconds", "The way from a stage to the next: serialize, wire, wait. Between hosts the wire is as exact as their clocks were compared at the launch.", ["from", "to", "phase"], new HistogramConfiguration { Buckets = MetricBuckets.Hop });
        registry.AddBeforeCollectCallback(Refresh);
    }

    /// <summary>Takes what every stage reports of its steps. Called for every epoch, each of which counts its steps anew.</summary>
    public void Follow(ServingPipeline pipeline)
    {
        var offsets = pipeline.Stages.Select(stage => stage.ClockOffset).ToList();
        var hops = new HopMatcher();
        pipeline.Steps.Added += reports => Take(reports, offsets, hops);
        foreach (var (status, stage) in pipeline.Stages.Select((status, stage) => (status, stage)))
        {
            _loadSeconds.WithLabels(Label(stage)).Set(status.LoadSeconds);
        }
    }

    private void Take(IReadOnlyList<StepReport> reports, IReadOnlyList<long> offsets, HopMatcher hops)
    {
        foreach (var report in reports)
        {
            var stage = Label(report.StageIndex);
            _steps.WithLabels(stage).Inc();
            _busySeconds.WithLabels(stage).Inc(Math.Max(0, report.BusyNanoseconds) / 1e9);
            if (report is { StageIndex: 0, Tokens: > 0 })
            {
                _stepTokens.Observe(report.Tokens);
            }

            foreach (var (from, to, phase, seconds) in hops.Take(report, offsets))
            {
                _hopSeconds.WithLabels(Label(from), Label(to), phase).Observe(seconds);
            }
        }
    }

    private void Refresh()
    {
        if (_availability.Pipeline is not { } pipeline)
        {
            return;
        }

        var counters = pipeline.Loop.Counters;
        _running.Set(counters.Running);
        _waiting.Set(counters.Waiting);
        _cacheUsage.Set(counters.CacheUsage);
        _preemptions.IncTo(counters.Preemptions);
        _prefixQueries.IncTo(counters.Prefixes.QueriedTokens);
        _prefixHits.IncTo(counters.Prefixes.HitTokens);
        _blocks.WithLabels("free").Set(counters.FreeBlocks);
        _blocks.WithLabels("used").Set(counters.UsedBlocks);
        _blocks.WithLabels("cached").Set(counters.CachedBlocks);
        _epoch.Set(pipeline.Epoch);
        _recoveries.IncTo(pipeline.Loop.Recoveries.Recoveries);
        _recoverySeconds.IncTo(pipeline.Loop.Recoveries.Lost.TotalSeconds);
        var activity = _live.Activity();
        _bubbleRatio.Set(StageActivity.BubbleOf(activity));
        foreach (var (stage, shares) in activity.Index())
        {
            _busyRatio.WithLabels(Label(stage)).Set(shares.Busy);
            _up.WithLabels(Label(stage)).Set(_readiness.IsUp(stage) ? 1 : 0);
        }
    }

    private static string Label(int stage) => stage.ToString(CultureInfo.InvariantCulture);
}
