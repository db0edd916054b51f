using Pipeline.Coordinator.Observation;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Serving.Health;

namespace Pipeline.Coordinator.Serving.Live;

/// <summary>What the server has to show at any moment, also before there is a pipeline and after it has failed.</summary>
internal sealed class LiveView(ServedModel model, Availability availability, Readiness readiness, LoadProgress progress, TimeProvider timeProvider) : IDisposable
{
    private volatile PipelineObserver? _observer;

    public void Follow(ServingPipeline pipeline)
    {
        var before = _observer;
        _observer = new PipelineObserver(pipeline.Steps, pipeline.Stages, timeProvider);
        before?.Dispose();
    }

    /// <summary>How every stage spent the last moments; empty as long as there is no pipeline.</summary>
    public IReadOnlyList<StageActivity> Activity() => _observer?.Activity() ?? [];

    public PipelineView Take()
    {
        if (availability.Pipeline is not { } pipeline || _observer is not { } observer)
        {
            return new PipelineView { Model = model.Names[0], State = "loading", Message = progress.Describe() };
        }

        var (state, message) = StateOf();
        var view = new PipelineView { Model = model.Names[0], State = state, Message = message, Hops = pipeline.Hops, Microbatches = pipeline.Microbatches };
        return observer.Observe(view, pipeline.Loop.Counters, readiness.TroubleOf);
    }

    public void Dispose() => _observer?.Dispose();

    private (string State, string Message) StateOf()
    {
        try
        {
            readiness.Check();
            return ("serving", "");
        }
        catch (ApiException exception)
        {
            return (availability.IsDraining ? "draining" : availability.Pipeline?.Loop.Outage is null ? "failed" : "recovering", exception.Message);
        }
    }
}
