using Pipeline.Model.Caching;
using Pipeline.Model.DeviceHops;
using Pipeline.Model.Kernels;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Hosting;
using HopTransport = Pipeline.Shared.Stages.HopTransport;

namespace Pipeline.StageWorker.Sessions;

/// <summary>Start: allots the cache, makes sure that the next stage is there, opens the epoch.</summary>
public static class StageStarter
{
    private static readonly TimeSpan NeighbourPatience = TimeSpan.FromSeconds(20);

    public static async Task<StartReply> StartAsync(StageSession session, StartRequest request, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var shard = session.RequireShard();
        Check(session, request);
        var spec = new KvCacheSpec(request.BlockSize, [.. request.Groups.Select(group => new KvCacheGroup(group.Window > 0 ? group.Window : null, group.RingBlocks, group.BlockCount))]);
        RequireRoom(session, spec, request.MaxBatchTokens);
        var exit = shard.Assignment.IsLast ? OpenResults(session, request) : await ReachNextAsync(session, request, timeProvider, cancellationToken);
        return await session.Thread.RunAsync(() =>
        {
            session.Close();
            var bytes = Allot(session, shard, spec, exit);
            session.Open(new SequenceTable(shard.Config, spec, new PlanEpoch(request.Epoch), request.MaxBatchTokens), request.MaxBatchTokens, exit);
            return new StartReply { CacheBytes = bytes, Transport = HopTransportCodec.ToWire(exit.Hop.Transport), TransportReason = exit.Hop.Reason };
        });
    }

    private static long Allot(StageSession session, Model.ModelShard shard, KvCacheSpec spec, StageExit exit)
    {
        try
        {
            shard.AllotCache(spec);
            return shard.Cache.ByteCount;
        }
        catch (Exception exception) when (exception is not StageException)
        {
            exit.Results?.Dispose();
            exit.Outbox?.Dispose();
            throw new StageException(
                ComputeFailures.Classify(exception), $"cannot allot the cache: {ComputeFailures.Describe(exception)}; ask for fewer sequences or a shorter context", session.StageIndex, exception);
        }
    }

    /// <summary>As at the load: what can never be held is refused before anything is taken.</summary>
    private static void RequireRoom(StageSession session, KvCacheSpec spec, int maxBatchTokens)
    {
        var shard = session.RequireShard();
        var (config, elementBytes) = (shard.Config, shard.Kernels.ElementType.ByteSize());
        if ((long)maxBatchTokens * config.HiddenSize * elementBytes > int.MaxValue)
        {
            throw new StageException(StageError.BatchTooLarge, $"steps of {maxBatchTokens} tokens, each with {config.HiddenSize} values, are larger than a step can be", session.StageIndex);
        }

        // Numbers of 28 digits: the counts come from outside, and their product must not wrap around.
        var layers = shard.Assignment.Layers;
        var bytes = Enumerable.Range(layers.Start, layers.Count)
            .Sum(layer => 2m * spec.Groups[config.CacheGroupOf(layer)].BlockCount * spec.BlockSize * config.KvHeadCount * config.HeadDim * elementBytes);
        if (bytes > HostInfo.MemoryTotal && session.IsOnCpu)
        {
            throw new StageException(StageError.OutOfMemory, $"the cache takes {bytes:F0} bytes, this host has {HostInfo.MemoryTotal}; ask for fewer sequences or a shorter context", session.StageIndex);
        }
    }

    private static void Check(StageSession session, StartRequest request)
    {
        var shard = session.RequireShard();
        var problem = request switch
        {
            { BlockSize: < 1 } => $"block size {request.BlockSize}",
            { MaxBatchTokens: < 1 } => $"at most {request.MaxBatchTokens} tokens a step",
            _ when request.Groups.Count != shard.Config.DistinctWindows.Count => $"{request.Groups.Count} cache groups for a model with {shard.Config.DistinctWindows.Count} different windows",
            _ when !request.Groups.Select(group => group.Window).SequenceEqual(shard.Config.DistinctWindows.Select(window => window ?? 0)) =>
                $"cache groups with windows {string.Join(", ", request.Groups.Select(group => group.Window))} for a model with {string.Join(", ", shard.Config.DistinctWindows.Select(window => window ?? 0))} (0 is none)",
            _ when request.Groups.Any(group => group.BlockCount < 1 || group.RingBlocks < 1) => "a cache group without blocks",
            _ when request.NextAddress.Length > 0 == shard.Assignment.IsLast => shard.Assignment.IsLast ? "the last stage has no next one" : "only the last stage has no next one",
            _ when request.NextAddress.Length > 0 && !StageChannels.IsValidAddress(request.NextAddress) => $"the next stage's address '{request.NextAddress}' is not host:port",
            _ => null,
        };
        if (problem is not null)
        {
            throw new StageException(StageError.Malformed, $"start refused: {problem}", session.StageIndex);
        }
    }

    /// <summary>The coordinator offers a ring for results only where it would use one.</summary>
    private static StageExit OpenResults(StageSession session, StartRequest request)
    {
        if (request.ResultRing.Length == 0)
        {
            return new StageExit(TransportChoice.Network, null);
        }

        try
        {
            return new StageExit(new TransportChoice(HopTransport.Ipc, ""), ResultWriter.Open(request.ResultRing));
        }
        catch (IOException exception) when (HopTransportCodec.FromWire(request.Transport) == HopTransport.Auto)
        {
            return new StageExit(new TransportChoice(HopTransport.Grpc, exception.Message), null);
        }
        catch (IOException exception)
        {
            throw new StageException(StageError.Unreachable, $"no shared memory with the coordinator: {exception.Message}", session.StageIndex, exception);
        }
    }

    private static async Task<StageExit> ReachNextAsync(StageSession session, StartRequest request, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var address = request.NextAddress;
        session.Security.RequireSafeWay(address, session.StageIndex);
        await using var next = new StageConnection(address, session.StageIndex + 1, session.Security.Certificates);
        await ConnectPolicy.PersistAsync(
            timeProvider,
            NeighbourPatience,
            onRetry: null,
            next.HelloAsync,
            (last, exception) => new StageException(
                last is null or { Error: StageError.Timeout } ? StageError.Unreachable : last.Error, $"stage {session.StageIndex} cannot reach the next one: {last?.Message ?? address} (gave up after {NeighbourPatience.TotalSeconds:F0} s)", session.StageIndex, exception),
            cancellationToken);
        var exit = await DecideAsync(session, HopTransportCodec.FromWire(request.Transport), request.MaxBatchTokens, next, cancellationToken);
        return exit with { NextAddress = address, NextLease = request.NextLease };
    }

    /// <summary>Where steps go through memory, hidden states may be able to stay on the devices.</summary>
    private static async Task<StageExit> DecideAsync(StageSession session, HopTransport wanted, int maxRows, StageConnection next, CancellationToken cancellationToken)
    {
        var (outbox, refusal) = wanted == HopTransport.Grpc ? (null, "") : await session.Thread.RunAsync(() => TryOpenOutbox(session.RequireShard().Kernels, maxRows));
        try
        {
            var choice = await TransportChoice.DecideAsync(wanted, next, outbox?.Address ?? default, cancellationToken);
            if (choice.Transport == HopTransport.CudaIpc)
            {
                var exit = new StageExit(choice, null) { Outbox = outbox };
                outbox = null;
                return exit;
            }

            return new StageExit(refusal.Length > 0 && choice.Transport == HopTransport.Ipc ? choice with { Reason = refusal } : choice, null);
        }
        finally
        {
            // Nothing else knows of this memory, and the start may be tried again and again.
            Task freeing = session.Thread.RunAsync(() =>
            {
                outbox?.Dispose();
                return true;
            });
            await freeing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static (DeviceOutbox? Outbox, string Refusal) TryOpenOutbox(IKernelSet kernels, int maxRows)
    {
        try
        {
            return (kernels.OpenOutbox(RingWriter.SlotCount + ShardStage.MostBegun, maxRows), "");
        }
        catch (IOException exception)
        {
            return (null, exception.Message);
        }
    }
}
