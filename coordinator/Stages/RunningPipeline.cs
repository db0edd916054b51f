using Pipeline.Coordinator.Stages.Recovery;
using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// A pipeline that is loaded. It lives in epochs: each begins with empty caches and new streams between the stages, while weights
/// stay where they are. Disposing it ends the leases and stops the workers it launched.
/// </summary>
public sealed class RunningPipeline : IAsyncDisposable
{
    private readonly IReadOnlyList<StageSeat> _seats;
    private readonly EventSwitch _events;
    private readonly PipelineMender _mender;
    private readonly TimeProvider _timeProvider;
    private readonly int _launchedFor;
    private readonly KvCacheSpec _launchedCache;
    private GrpcPipeline? _pipeline;

    /// <param name="seats">All of them taken; they belong to the pipeline from here on.</param>
    internal RunningPipeline(PipelineSettings settings, IReadOnlyList<StageSeat> seats, EventSwitch events, PipelineMender mender, TimeProvider timeProvider)
    {
        (Settings, _launchedFor) = (settings, settings.MaxBatchedTokens);
        (_seats, _events, _mender, _timeProvider) = (seats, events, mender, timeProvider);
        Cache = _launchedCache = CacheSizing.Plan(settings, CacheBudget.Of(settings, [.. seats.Select(seat => seat.Memory)]));
    }

    public PipelineSettings Settings { get; private set; }

    public KvCacheSpec Cache { get; private set; }

    /// <summary>The newest epoch, also if it could not be opened: no number is used twice.</summary>
    public PlanEpoch Epoch { get; private set; }

    public HopList Hops { get; private set; } = new([]);

    /// <summary>All stages as one, in the present epoch.</summary>
    public IStage Stage => _pipeline ?? throw new InvalidOperationException("no epoch is open");

    /// <summary>Where every step of the present epoch spent its time.</summary>
    public StepLog Steps { get; private set; } = new();

    public IReadOnlyList<StageStatus> Stages { get; private set; } = [];

    /// <summary>Workers launched on this host; empty when running ones are used.</summary>
    public IReadOnlyList<WorkerProcess> Workers => [.. _seats.Select(seat => seat.Worker).OfType<WorkerProcess>()];

    /// <summary>
    /// Opens a new epoch for steps of another size, at most that of the launch: rings are as long as these steps need. No step may
    /// be under way.
    /// </summary>
    public Task RestartAsync(int maxBatchedTokens, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBatchedTokens, _launchedFor);
        Settings = Settings with { MaxBatchedTokens = maxBatchedTokens };
        Cache = CacheSizing.ForSteps(_launchedCache, Settings);
        return OpenEpochAsync(cancellationToken);
    }

    /// <summary>While it is brought back: which stage is missing, and why. Null if none is.</summary>
    public StageException? Trouble => _mender.Trouble;

    /// <summary>
    /// Brings back the stages that are lost, however long it takes, and opens an epoch on all. Fails only when a worker of this host
    /// dies whenever it is launched. No step may be under way.
    /// </summary>
    public Task RecoverAsync(StageException failure, CancellationToken cancellationToken)
    {
        // An epoch that got as far as a step has proved the workers that it was opened on.
        foreach (var seat in Steps.IsEmpty ? [] : _seats)
        {
            seat.Launches = 0;
        }

        return _mender.MendAsync(failure, OpenEpochAsync, cancellationToken);
    }

    /// <summary>Opens the next epoch on stages that are all in their places. No step may be under way.</summary>
    internal async Task OpenEpochAsync(CancellationToken cancellationToken)
    {
        Epoch = new PlanEpoch(Epoch.Value + 1);
        var steps = new StepLog();
        var pipeline = new GrpcPipeline(_seats[0].Connection.Address, _seats[0].Certificates, steps.Add, _timeProvider)
        {
            Deadline = Settings.StepPatience is { } patience ? new StepDeadline(_seats.Count, patience, _timeProvider) : null,
        };
        try
        {
            Welcome(pipeline);
            var start = new StageStart(pipeline, [.. _seats.Select(seat => seat.Connection)], StageStart.AlertnessFor(_seats.Select(seat => seat.Hello.Device)));
            var started = await start.StartAsync(Settings, Cache, Epoch, cancellationToken);
            (Steps, Hops) = (steps, started.Hops);
            Stages = [.. _seats.Select(seat => seat.Describe(started.CacheBytes[seat.Stage]))];
        }
        catch
        {
            await pipeline.DisposeAsync();
            throw;
        }

        var before = _pipeline;
        _pipeline = pipeline;
        if (before is not null)
        {
            await before.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_seats.Select(seat => seat.ReleaseAsync()));
        if (_pipeline is not null)
        {
            await _pipeline.DisposeAsync();
        }

        // One that froze would only be waited for.
        if (_pipeline?.Failure is { Error: StageError.StageLost or StageError.Timeout, StageIndex: { } lost })
        {
            _seats.ElementAtOrDefault(lost)?.Worker?.Kill();
        }

        await PipelineParts.DisposeAllAsync(_seats);
    }

    /// <summary>From here on everything that is told counts for the new epoch, and nothing of the old ones does.</summary>
    private void Welcome(GrpcPipeline pipeline)
    {
        foreach (var seat in _seats)
        {
            seat.Connection.ExpectEpoch(Epoch.Value);
        }

        _events.TurnTo(pipeline);

        // A lease that ended before that was told to nobody who cares.
        if (_seats.FirstOrDefault(seat => !seat.IsTaken) is { } lost)
        {
            throw new StageException(StageError.StageLost, $"{lost.Connection.Address} ended the lease", lost.Stage);
        }
    }
}
