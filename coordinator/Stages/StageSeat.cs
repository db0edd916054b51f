using Pipeline.Coordinator.Stages.Discovery;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Security;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// A stage's place in the pipeline, whoever has it: a worker is launched or found, leased and loaded; when it is lost, the place is
/// vacated and taken again by the next. One caller at a time.
/// </summary>
/// <param name="certificates">What is shown to workers; null speaks clear text.</param>
internal sealed class StageSeat(PipelineSettings settings, int stage, Func<PeerCertificates>? certificates, TimeProvider timeProvider, NameLookup lookup, ILaunchObserver observer) : IAsyncDisposable
{
    private StageConnection? _connection;
    private HelloReply? _hello;
    private LoadReply? _loaded;
    private long _clockOffset;

    public int Stage => stage;

    public Func<PeerCertificates>? Certificates => certificates;

    /// <summary>What the worker is looked for by.</summary>
    public string Name => IsLocal ? Worker?.Address ?? "this host" : settings.Workers[stage];

    public bool IsLocal => settings.Workers.Count == 0;

    /// <summary>Null if the worker was not launched here.</summary>
    public WorkerProcess? Worker { get; private set; }

    /// <summary>Workers launched for this place since it was last known to be of use.</summary>
    public int Launches { get; set; }

    /// <summary>Why nobody was reached yet; null once somebody was.</summary>
    public string? Missing { get; private set; } = "not looked for yet";

    /// <summary>What weights are loaded as. Whoever takes the place later has to compute in the type of the others.</summary>
    public ElementType ComputeType { get; set; } = settings.ComputeType;

    public StageConnection Connection => _connection ?? throw new StageException(StageError.Unreachable, "nobody has this place", stage);

    public HelloReply Hello => _hello ?? throw new StageException(StageError.Unreachable, "nobody has said hello", stage);

    public bool IsOnGpu => _hello is { Device: not "cpu" };

    public StageMemory Memory => new(Hello.Device, IsLocal, _loaded!.MemoryFree, Hello.MemoryTotal);

    /// <summary>Leased and loaded, as far as is known without asking.</summary>
    public bool IsTaken => _loaded is not null && _connection is { IsLeaseOver: false };

    /// <summary>Starts a worker on this host.</summary>
    public async Task<bool> LaunchAsync(CancellationToken cancellationToken)
    {
        if (IsLocal)
        {
            Launches++;
            var device = settings.Devices.Count > 0 ? settings.Devices[stage % settings.Devices.Count] : "cpu";
            Worker = await WorkerProcess.StartAsync(stage, device, WorkerEnvironment.ForLocal(device), timeProvider, cancellationToken);
        }

        return true;
    }

    /// <summary>Tries until the worker answers. A name is looked up again at every attempt.</summary>
    public Task<bool> ReachAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var attempts = 0;
        return PersistAsync(
            patience,
            async token =>
            {
                await DialAsync(attempts++, token);
                _hello = await Connection.HelloAsync(token);
                Missing = null;
                observer.Reached(stage, Connection.Address);
                return true;
            },
            cancellationToken);
    }

    /// <summary>Takes the lease. The coordinator before us may have ended this very moment, and its worker still be freeing the shard.</summary>
    public Task<bool> AttachAsync(StageEventHandlers handlers, CancellationToken cancellationToken) => PersistAsync(
        settings.ConnectPatience,
        async token =>
        {
            await Connection.AttachAsync($"{Environment.MachineName}/{Environment.ProcessId}", settings.StageCount, handlers, token);
            return true;
        },
        cancellationToken);

    public async Task<bool> LoadAsync(CancellationToken cancellationToken)
    {
        var loaded = await Connection.LoadAsync(LoadRequests.Of(settings, stage, ComputeType), progress => observer.Loading(stage, progress.BytesDone, progress.BytesTotal), cancellationToken);
        _clockOffset = await ClockComparison.OffsetAsync(Connection, timeProvider, cancellationToken);
        observer.Loaded(stage, loaded.WeightBytes, loaded.Seconds);
        if (loaded.Remark.Length > 0)
        {
            observer.Tell($"warning: stage {stage}: {loaded.Remark}");
        }

        _loaded = loaded;
        return true;
    }

    /// <summary>Asks whether the one who took the lease is still there. At the same address there may be somebody new who knows nothing.</summary>
    public async Task<bool> IsThereAsync(CancellationToken cancellationToken)
    {
        if (!IsTaken || Worker is { HasExited: true })
        {
            return false;
        }

        try
        {
            var hello = await Connection.HelloAsync(cancellationToken);
            return hello.InUse && hello.ProcessId == Hello.ProcessId && IsTaken;
        }
        catch (StageException)
        {
            return false;
        }
    }

    /// <summary>Gives up whoever has the place. A worker of this host that is in it is of no use any more, and may not even listen.</summary>
    public async Task VacateAsync()
    {
        (_hello, Missing) = (null, "lost");
        await ReleaseAsync();
        if (Worker is { } worker)
        {
            Worker = null;
            worker.Kill();
            await worker.DisposeAsync();
        }
    }

    public StageStatus Describe(long cacheBytes) => new()
    {
        Shard = settings.Plan.Shards[stage],
        Address = Connection.Address,
        Device = Hello.Device,
        DeviceName = Hello.DeviceName,
        HasConcurrentProcesses = Hello.ConcurrentProcesses,
        ProcessId = Hello.ProcessId,
        WeightBytes = _loaded!.WeightBytes,
        CacheBytes = cacheBytes,
        Kernels = _loaded.Kernels,
        Threads = _loaded.Threads,
        LoadSeconds = _loaded.Seconds,
        ClockOffset = _clockOffset,
    };

    /// <summary>Ends the lease.</summary>
    public async Task ReleaseAsync()
    {
        if (_connection is { } connection)
        {
            (_connection, _loaded) = (null, null);
            await connection.DisposeAsync();
        }
    }

    /// <summary>Ends the lease, then the worker, gently.</summary>
    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync();
        if (Worker is not null)
        {
            await Worker.DisposeAsync();
        }
    }

    private async Task DialAsync(int attempt, CancellationToken cancellationToken)
    {
        var address = IsLocal ? Worker!.Address
            : settings.ResolvesWorkers ? await WorkerAddress.FindAsync(lookup, settings.Workers[stage], stage, attempt, cancellationToken)
            : settings.Workers[stage];
        if (_connection?.Address != address)
        {
            await ReleaseAsync();
            _connection = new StageConnection(address, stage, certificates);
        }
    }

    private Task<bool> PersistAsync(TimeSpan patience, Func<CancellationToken, Task<bool>> attempt, CancellationToken cancellationToken) => ConnectPolicy.PersistAsync(
        timeProvider,
        patience,
        (number, failure) =>
        {
            Missing = Missing is null ? null : failure.Message;
            observer.Retrying(stage, _connection?.Address ?? Name, number, failure.Message);
        },
        attempt,
        (last, exception) => new StageException(
            last?.Error ?? StageError.Timeout, $"{last?.Message ?? $"{_connection?.Address ?? Name} does not answer"} (gave up after {patience.TotalSeconds:0.#} s)", stage, exception),
        cancellationToken);
}
