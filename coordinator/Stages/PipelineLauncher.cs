using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// Builds a pipeline: start or find the workers, take their leases, load the shards side by side, size the cache, start the
/// stages from the last to the first. If any step fails, everything begun is undone before the failure is passed on.
/// </summary>
public sealed class PipelineLauncher(TimeProvider timeProvider, ILaunchObserver observer)
{
    public async Task<RunningPipeline> StartAsync(PipelineSettings settings, CancellationToken cancellationToken)
    {
        var workers = new List<WorkerProcess>();
        var connections = new List<StageConnection>();
        GrpcPipeline? pipeline = null;
        try
        {
            var certificates = WorkerSecurity.Open(settings, timeProvider, observer);
            observer.Starting(settings.StageCount, settings.Workers.Count == 0);
            workers.AddRange(await StartWorkersAsync(settings, cancellationToken));
            var addresses = settings.Workers.Count > 0 ? settings.Workers : [.. workers.Select(worker => worker.Address)];
            WorkerSecurity.RequireSafeWay(settings, addresses, observer);
            connections.AddRange(addresses.Select((address, stage) => new StageConnection(address, stage, certificates)));
            var hellos = await PipelineParts.AllAsync(connections, (connection, token) => ReachAsync(connection, settings.ConnectPatience, token), cancellationToken);

            var steps = new StepLog();
            pipeline = new GrpcPipeline(addresses[0], certificates, steps.Add);
            var handlers = pipeline.Handlers;
            await PipelineParts.AllAsync(connections, (connection, token) => AttachAsync(settings, connection, handlers, token), cancellationToken);
            var loads = await PipelineParts.AllAsync(connections, (connection, token) => LoadAsync(settings, connection, token), cancellationToken);
            var cache = CacheSizing.Plan(settings, CacheBudget.Of(settings, MemoryOf(settings, hellos, loads)));
            var epoch = new PlanEpoch(1);
            var start = new StageStart(pipeline, connections, StageStart.AlertnessFor(hellos.Select(hello => hello.Device)));
            var started = await start.StartAsync(settings, cache, epoch, cancellationToken);
            var offsets = await PipelineParts.AllAsync(connections, (connection, token) => ClockComparison.OffsetAsync(connection, timeProvider, token), cancellationToken);
            var stages = connections.Select((connection, stage) => Describe(settings, connection, hellos[stage], offsets[stage], loads[stage], started.CacheBytes[stage])).ToList();
            return new RunningPipeline(settings, cache, epoch, started.Hops, pipeline, start, steps, stages, connections, workers);
        }
        catch
        {
            await PipelineParts.DisposeAllAsync(connections);
            if (pipeline is not null)
            {
                await pipeline.DisposeAsync();
            }

            await PipelineParts.DisposeAllAsync(workers);
            throw;
        }
    }

    private static async Task<IReadOnlyList<WorkerProcess>> StartWorkersAsync(PipelineSettings settings, CancellationToken cancellationToken)
    {
        if (settings.Workers.Count > 0)
        {
            return [];
        }

        var starting = Enumerable.Range(0, settings.StageCount)
            .Select(stage => (Stage: stage, Device: settings.Devices.Count > 0 ? settings.Devices[stage % settings.Devices.Count] : "cpu"))
            .Select(worker => WorkerProcess.StartAsync(worker.Stage, worker.Device, WorkerEnvironment.ForLocal(worker.Device), cancellationToken))
            .ToList();
        try
        {
            return await Task.WhenAll(starting);
        }
        catch
        {
            var started = starting.Where(task => task.IsCompletedSuccessfully).Select(task => task.Result);
            await PipelineParts.DisposeAllAsync(started);
            throw;
        }
    }

    private Task<HelloReply> ReachAsync(StageConnection connection, TimeSpan patience, CancellationToken cancellationToken) =>
        PersistAsync(connection, patience, connection.HelloAsync, cancellationToken);

    /// <summary>The coordinator before us may have ended this very moment, and its worker still be freeing the shard.</summary>
    private Task<bool> AttachAsync(PipelineSettings settings, StageConnection connection, StageEventHandlers handlers, CancellationToken cancellationToken) => PersistAsync(
        connection,
        settings.ConnectPatience,
        async token =>
        {
            await connection.AttachAsync($"{Environment.MachineName}/{Environment.ProcessId}", settings.StageCount, handlers, token);
            return true;
        },
        cancellationToken);

    private Task<T> PersistAsync<T>(StageConnection connection, TimeSpan patience, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) => ConnectPolicy.PersistAsync(
        timeProvider,
        patience,
        (number, failure) => observer.Retrying(connection.StageIndex, connection.Address, number, failure.Message),
        attempt,
        (last, exception) => new StageException(
            last?.Error ?? StageError.Timeout, $"{last?.Message ?? $"{connection.Address} does not answer"} (gave up after {patience.TotalSeconds:0.#} s)", connection.StageIndex, exception),
        cancellationToken);

    private async Task<LoadReply> LoadAsync(PipelineSettings settings, StageConnection connection, CancellationToken cancellationToken)
    {
        var stage = connection.StageIndex;
        var layers = settings.Plan.Shards[stage].Layers;
        var request = new LoadRequest
        {
            Model = ModelShapeCodec.ToWire(settings.Model),
            Directory = settings.ModelDirectory,
            DummyWeights = settings.DummyWeights,
            DummySeed = settings.DummySeed,
            StageIndex = stage,
            StageCount = settings.StageCount,
            LayerStart = layers.Start,
            LayerEnd = layers.End,
            ComputeType = ElementTypeCodec.ToWire(settings.ComputeType),
            Threads = ThreadsPerStage(settings),
            Kernels = settings.Kernels,
        };
        var reply = await connection.LoadAsync(request, progress => observer.Loading(stage, progress.BytesDone, progress.BytesTotal), cancellationToken);
        observer.Loaded(stage, reply.WeightBytes, reply.Seconds);
        return reply;
    }

    /// <summary>Stages that compute at the same time share the cores; with one microbatch only one computes at any time.</summary>
    private static int ThreadsPerStage(PipelineSettings settings)
    {
        if (settings.Threads > 0 || settings.Workers.Count > 0)
        {
            return settings.Threads;
        }

        return Math.Max(1, Environment.ProcessorCount / Math.Min(settings.StageCount, settings.Microbatches));
    }

    private static List<StageMemory> MemoryOf(PipelineSettings settings, IEnumerable<HelloReply> hellos, LoadReply[] loads) =>
        [.. hellos.Zip(loads, (hello, load) => new StageMemory(hello.Device, settings.Workers.Count == 0, load.MemoryFree, hello.MemoryTotal))];

    private static StageStatus Describe(PipelineSettings settings, StageConnection connection, HelloReply hello, long offset, LoadReply load, long cacheBytes) => new()
    {
        Shard = settings.Plan.Shards[connection.StageIndex],
        Address = connection.Address,
        Device = hello.Device,
        DeviceName = hello.DeviceName,
        ProcessId = hello.ProcessId,
        WeightBytes = load.WeightBytes,
        CacheBytes = cacheBytes,
        Kernels = load.Kernels,
        Threads = load.Threads,
        LoadSeconds = load.Seconds,
        ClockOffset = offset,
    };
}
