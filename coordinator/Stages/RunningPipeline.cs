using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>A pipeline that is loaded and started. Disposing it ends the leases and stops the workers it launched.</summary>
public sealed class RunningPipeline(
    PipelineSettings settings, KvCacheSpec cache, PlanEpoch epoch, GrpcPipeline pipeline, StepLog steps, IReadOnlyList<StageStatus> stages, IReadOnlyList<StageConnection> connections, IReadOnlyList<WorkerProcess> workers) : IAsyncDisposable
{
    public PipelineSettings Settings => settings;

    public KvCacheSpec Cache => cache;

    public PlanEpoch Epoch => epoch;

    /// <summary>All stages as one.</summary>
    public IStage Stage => pipeline;

    /// <summary>Where every step spent its time.</summary>
    public StepLog Steps => steps;

    public IReadOnlyList<StageStatus> Stages => stages;

    public IReadOnlyList<StageConnection> Connections => connections;

    /// <summary>Workers launched on this host; empty when running ones are used.</summary>
    public IReadOnlyList<WorkerProcess> Workers => workers;

    public async ValueTask DisposeAsync()
    {
        await PipelineParts.DisposeAllAsync(connections);
        await pipeline.DisposeAsync();
        if (pipeline.Failure is { Error: StageError.StageLost, StageIndex: { } lost } && lost < workers.Count)
        {
            workers[lost].Kill();
        }

        await PipelineParts.DisposeAllAsync(workers);
    }
}
