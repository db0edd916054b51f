using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>
/// Whether requests can be served at all: not before the pipeline is loaded, not when the server is about to stop, and not
/// without all stages. Thread-safe.
/// </summary>
internal sealed class Availability(LoadProgress progress)
{
    private static readonly TimeSpan LoadRetry = TimeSpan.FromSeconds(2);

    private volatile ServingPipeline? _pipeline;
    private volatile bool _draining;
    private int _drainSeconds;

    /// <summary>Null while it is being loaded.</summary>
    public ServingPipeline? Pipeline => _pipeline;

    public bool IsDraining => _draining;

    public void Open(ServingPipeline pipeline) => _pipeline = pipeline;

    /// <summary>No new requests from here on; a server in place of this one can be expected after that time.</summary>
    public void Drain(TimeSpan patience)
    {
        _drainSeconds = (int)Math.Ceiling(patience.TotalSeconds);
        _draining = true;
    }

    /// <summary>
    /// The pipeline, or an answer that says why there is none. One that is being brought back is as good as any other for as long as
    /// requests wait for it: whoever comes waits in the queue.
    /// </summary>
    public ServingPipeline Require()
    {
        if (_draining)
        {
            throw ApiException.Unavailable("the server is shutting down and takes no new requests", "draining", TimeSpan.FromSeconds(_drainSeconds));
        }

        var pipeline = _pipeline ?? throw ApiException.Unavailable($"the model is loading: {progress.Describe()}", "loading", LoadRetry);
        return (pipeline.Loop.Failure ?? pipeline.Loop.Outage?.Refusal) switch
        {
            null => pipeline,
            StageException lost => throw Failures.Lost(lost),
            var failure => throw Failures.Describe(failure),
        };
    }
}
