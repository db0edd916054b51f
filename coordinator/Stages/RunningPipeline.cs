using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>A pipeline that is loaded and started. Disposing it ends the leases and stops the workers it launched.</summary>
public sealed class RunningPipeline : IAsyncDisposable
{
    private readonly KvCacheSpec _launchedCache;
    private readonly int _launchedFor;
    private readonly GrpcPipeline _pipeline;
    private readonly StageStart _start;
    private readonly IReadOnlyList<StageConnection> _connections;

    internal RunningPipeline(
        PipelineSettings settings,
        KvCacheSpec cache,
        PlanEpoch epoch,
        HopList hops,
        GrpcPipeline pipeline,
        StageStart start,
        StepLog steps,
        IReadOnlyList<StageStatus> stages,
        IReadOnlyList<StageConnection> connections,
        IReadOnlyList<WorkerProcess> workers)
    {
        (_launchedCache, _launchedFor) = (cache, settings.MaxBatchedTokens);
        (Settings, Cache, Epoch, Hops) = (settings, cache, epoch, hops);
        (_pipeline, _start, _connections) = (pipeline, start, connections);
        (Steps, Stages, Workers) = (steps, stages, workers);
    }

    public PipelineSettings Settings { get; private set; }

    public KvCacheSpec Cache { get; private set; }

    public PlanEpoch Epoch { get; private set; }

    public HopList Hops { get; private set; }

    /// <summary>All stages as one.</summary>
    public IStage Stage => _pipeline;

    /// <summary>Where every step spent its time.</summary>
    public StepLog Steps { get; }

    public IReadOnlyList<StageStatus> Stages { get; }

    /// <summary>Workers launched on this host; empty when running ones are used.</summary>
    public IReadOnlyList<WorkerProcess> Workers { get; }

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
        Hops = (await _start.StartAsync(Settings, Cache, Epoch, cancellationToken)).Hops;
    }

    public async ValueTask DisposeAsync()
    {
        await PipelineParts.DisposeAllAsync(_connections);
        await _pipeline.DisposeAsync();
        if (_pipeline.Failure is { Error: StageError.StageLost, StageIndex: { } lost } && lost < Workers.Count)
        {
            Workers[lost].Kill();
        }

        await PipelineParts.DisposeAllAsync(Workers);
    }
}
