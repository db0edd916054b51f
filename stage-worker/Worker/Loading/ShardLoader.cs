using Pipeline.Model;
using Pipeline.Model.Kernels;
using Pipeline.Protos.Codec;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Diagnostics;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Hosting;
using Pipeline.StageWorker.Sessions;
using TorchSharp;

namespace Pipeline.StageWorker.Loading;

/// <summary>Loads a session's shard on its compute thread and tells how far it is.</summary>
public sealed class ShardLoader(WorkerDevice device, IWeightSources sources, TimeProvider timeProvider, ILogger<ShardLoader> logger)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);

    public async Task<LoadReply> LoadAsync(StageSession session, LoadRequest request, Func<LoadProgress, Task> report, CancellationToken cancellationToken)
    {
        var began = timeProvider.GetTimestamp();
        var config = ModelShapeCodec.FromWire(request.Model ?? throw new StageException(StageError.Malformed, "load without a model", session.StageIndex));
        var assignment = new ShardAssignment(request.StageIndex, request.StageCount, new LayerRange(request.LayerStart, request.LayerEnd));
        Check(config, assignment, session);
        var progress = new LoadCounter(RequireRoom(config, assignment));
        var shard = await ReportWhileAsync(token => LoadWithRetriesAsync(session, request, config, assignment, progress, token), progress, report, cancellationToken);
        var seconds = timeProvider.GetElapsedTime(began).TotalSeconds;
        Log.ShardLoaded(logger, assignment.Layers.ToString(), shard.WeightBytes, seconds);
        return new LoadReply
        {
            WeightBytes = shard.WeightBytes,
            TensorCount = ModelTensors.Of(config, assignment).Count,
            MemoryFree = device.MemoryFree,
            Kernels = shard.Kernels.Name,
            Threads = ThreadsFor(request),
            Seconds = seconds,
            Remark = shard.Kernels.Remark,
        };
    }

    /// <summary>Bytes of the weights. What the device can never hold is refused here: the system would hand the memory out, and end the process when it is used.</summary>
    private long RequireRoom(ModelConfig config, ShardAssignment assignment)
    {
        var bytes = new ModelSize(config).BytesOf(assignment);
        return device.MemoryTotal is var total && (total == 0 || bytes <= total)
            ? bytes
            : throw new StageException(StageError.OutOfMemory, $"layers {assignment.Layers} take {bytes} bytes of weights, {device.Name} has {total}; use more stages", assignment.StageIndex);
    }

    private static int ThreadsFor(LoadRequest request) => request.Threads > 0 ? request.Threads : Environment.ProcessorCount;

    private async Task<ModelShard> ReportWhileAsync(
        Func<CancellationToken, Task<ModelShard>> load, LoadCounter progress, Func<LoadProgress, Task> report, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var loading = load(stop.Token);
        try
        {
            while (await Task.WhenAny(loading, Task.Delay(ProgressInterval, timeProvider, cancellationToken)) != loading)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await report(new LoadProgress { BytesDone = progress.Bytes, BytesTotal = progress.Total, Phase = "weights" });
            }

            var shard = await loading;
            await report(new LoadProgress { BytesDone = progress.Total, BytesTotal = progress.Total, Phase = "weights" });
            return shard;
        }
        finally
        {
            // A load that nobody waits for any more must not replace the shard under whatever is asked for next.
            await stop.CancelAsync();
            await ((Task)loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ModelShard> LoadWithRetriesAsync(
        StageSession session, LoadRequest request, ModelConfig config, ShardAssignment assignment, LoadCounter progress, CancellationToken cancellationToken)
    {
        var policy = LoadPolicy.Create(timeProvider, (attempt, failure) => Log.LoadRetried(logger, attempt, LoadPolicy.Attempts, failure.Message));
        try
        {
            return await policy.ExecuteAsync(
                async token => await session.Thread.RunAsync(() => Load(session, request, config, assignment, progress, token)), cancellationToken);
        }
        catch (Exception exception) when (exception is CheckpointException or ModelConfigException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new StageException(StageError.LoadFailed, ComputeFailures.Describe(exception), session.StageIndex, exception);
        }
        catch (Exception exception) when (exception is not (StageException or OperationCanceledException))
        {
            var kind = ComputeFailures.Classify(exception) is var found and not StageError.ComputeFailed ? found : StageError.LoadFailed;
            throw new StageException(kind, $"cannot load the shard: {ComputeFailures.Describe(exception)}", session.StageIndex, exception);
        }
    }

    private ModelShard Load(StageSession session, LoadRequest request, ModelConfig config, ShardAssignment assignment, LoadCounter progress, CancellationToken cancellationToken)
    {
        // It may have waited here for a load that was given up before it.
        cancellationToken.ThrowIfCancellationRequested();
        var target = device.Open();
        session.Thread.Alertness = device.IsCpu ? TimeSpan.Zero : Alertness.BesideGpu;
        torch.set_num_threads(ThreadsFor(request));
        using var source = sources.Open(request, config, assignment, progress);
        progress.Begin(source.TotalBytes);
        var kernels = KernelSelection.Create(request.Kernels, config, ElementTypeCodec.FromWire(request.ComputeType), target, ThreadsFor(request), reason => Log.SlowerKernels(logger, reason));
        var shard = ModelShardLoader.Load(config, assignment, source, kernels, cancellationToken);
        session.Adopt(shard);
        return shard;
    }

    private static void Check(ModelConfig config, ShardAssignment assignment, StageSession session)
    {
        var layers = assignment.Layers;
        if (layers.Start < 0 || layers.Count < 1 || layers.End > config.LayerCount || assignment.StageIndex != session.StageIndex || assignment.StageCount != session.StageCount)
        {
            throw new StageException(
                StageError.Malformed, $"stage {assignment.StageIndex} of {assignment.StageCount} with layers {layers} does not fit a model of {config.LayerCount} layers and a lease as stage {session.StageIndex} of {session.StageCount}", session.StageIndex);
        }
    }
}
