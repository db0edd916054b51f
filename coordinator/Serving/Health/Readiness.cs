using System.Globalization;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>Ready means proved: every stage has advanced lately, with somebody's tokens or with the canary's.</summary>
internal sealed class Readiness(Availability availability, ServerOptions options, TimeProvider timeProvider)
{
    private readonly TimeSpan _patience = options.ReadyTimeout;
    private volatile StageWatch? _watch;

    /// <summary>Null while the pipeline is being loaded.</summary>
    public StageWatch? Watch => _watch;

    /// <summary>From here on the stages are expected to show themselves.</summary>
    public void Follow(ServingPipeline pipeline)
    {
        var watch = new StageWatch(pipeline.Stages.Count, timeProvider);
        pipeline.Steps.Added += watch.Take;
        _watch = watch;
    }

    /// <summary>Nothing is known against a stage.</summary>
    public bool IsUp(int stage) => availability.Pipeline?.Loop.Failure switch
    {
        null => _watch?.FindSilent(_patience) != stage,
        StageException { StageIndex: { } lost } => lost != stage,
        _ => false,
    };

    /// <summary>Throws the answer that says why requests cannot be served.</summary>
    public void Check()
    {
        availability.Require();
        if (_watch is { } watch && watch.FindSilent(_patience) is { } stage)
        {
            var silence = watch.SilenceOf(stage).TotalSeconds;
            throw ApiException.Unavailable(
                string.Create(CultureInfo.InvariantCulture, $"stage {stage} has not advanced for {silence:F1} s; at most {_patience.TotalSeconds:0.###} s are expected"), "stage_silent", _patience);
        }
    }
}
