using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>A pipeline that is loaded and started. Disposing it ends the leases and stops the workers it launched.</summary>
public sealed class RunningPipeline(
    PipelineSettings settings, KvCacheSpec cache, PlanEpoch epoch, GrpcPipeline pipeline, StepLog steps, IReadOnlyList<StageStatus> stages, IReadOnlyList<StageConnection> connections, IReadOnlyList<WorkerProcess> workers) : IAsyncDisposable
{
    private readonly KvCacheSpec _launchedCache = cache;
    private readonly int _launchedFor = settings.MaxBatchedTokens;

    public PipelineSettings Settings { get; private set; } = settings;

    public KvCacheSpec Cache { get; private set; } = cache;

    public PlanEpoch Epoch { get; private set; } = epoch;

    /// <summary>All stages as one.</summary>
    public IStage Stage => pipeline;

    /// <summary>Where every step spent its time.</summary>
    public StepLog Steps => steps;

    public IReadOnlyList<StageStatus> Stages => stages;

    public IReadOnlyList<StageConnection> Connections => connections;

    /// <summary>Workers launched on this host; empty when running ones are used.</summary>
    public IReadOnlyList<WorkerProcess> Workers => workers;

    /// <summary>
    /// Opens a new epoch for steps of another size, at most that of the launch: empty caches, rings as long as these steps need.
    /// Weights stay where they are. No step may be under way.
    /// </summary>
    public async Task RestartAsync(int maxBatchedTokens, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBatchedTokens, _launchedFor);
        Settings = Settings with { MaxBatchedTokens = maxBatchedTokens };
        Cache = CacheSizing.ForSteps(_launchedCache, Settings);
        Epoch = new PlanEpoch(Epoch.Value + 1);
        await StageStart.StartAsync(Settings, connections, Cache, Epoch, cancellationToken);
    }

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
