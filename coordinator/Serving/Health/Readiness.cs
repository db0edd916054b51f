using System.Globalization;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>Ready means proved: every stage has advanced lately, with somebody's tokens or with the canary's.</summary>
internal sealed class Readiness(Availability availability, LoadProgress progress, ServerOptions options, TimeProvider timeProvider)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _patience = options.ReadyTimeout;
    private volatile StageWatch? _watch;

    /// <summary>Null while the pipeline is being loaded.</summary>
    public StageWatch? Watch => _watch;

    /// <summary>From here on the stages are expected to show themselves. Called for every epoch, each of which counts its steps anew.</summary>
    public void Follow(ServingPipeline pipeline)
    {
        var watch = new StageWatch(pipeline.Stages.Count, timeProvider);
        pipeline.Steps.Added += watch.Take;
        _watch = watch;
    }

    /// <summary>Nothing is known against a stage.</summary>
    public bool IsUp(int stage) => TroubleOf(stage).Length == 0;

    /// <summary>What is known against a stage, in two words; empty if nothing is.</summary>
    public string TroubleOf(int stage) => availability.Pipeline?.Loop switch
    {
        { Failure: StageException { StageIndex: { } lost } } => lost == stage ? "lost" : "",
        { Failure: not null } => "stopped",
        { Outage: not null } => progress.TroubleOf(stage),
        _ => _watch?.FindSilent(_patience) == stage ? "silent" : "",
    };

    /// <summary>Throws the answer that says why requests cannot be served.</summary>
    public void Check()
    {
        var pipeline = availability.Require();
        if (pipeline.Loop.Outage is { } outage)
        {
            throw ApiException.Unavailable($"{Failures.Describe(outage.Failure).Message}; it is being brought back, {progress.Describe()}", "recovering", Soon);
        }

        if (_watch is { } watch && watch.FindSilent(_patience) is { } stage)
        {
            var silence = watch.SilenceOf(stage).TotalSeconds;
            throw ApiException.Unavailable(
                string.Create(CultureInfo.InvariantCulture, $"stage {stage} has not advanced for {silence:F1} s; at most {_patience.TotalSeconds:0.###} s are expected"), "stage_silent", _patience);
        }
    }
}
