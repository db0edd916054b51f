using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using HopTransport = Pipeline.Shared.Stages.HopTransport;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// Opens an epoch on stages that are loaded, from the last to the first: each makes sure that its successor is there. The ways
/// into the first stage and out of the last are opened with it.
/// </summary>
internal sealed class StageStart(GrpcPipeline pipeline, IReadOnlyList<StageConnection> connections, TimeSpan alertness)
{
    /// <summary>A GPU stands still while the thread that waits for its result wakes up; on the CPU others need the core.</summary>
    public static TimeSpan AlertnessFor(IEnumerable<string> devices) => devices.All(device => device == "cpu") ? TimeSpan.Zero : Alertness.BesideGpu;

    public async Task<StartedEpoch> StartAsync(PipelineSettings settings, KvCacheSpec cache, PlanEpoch epoch, CancellationToken cancellationToken)
    {
        var results = OfferResults(settings.Transport);
        try
        {
            var replies = await StartAllAsync(settings, cache, epoch, results?.Address ?? "", cancellationToken);
            pipeline.UseLease(connections[0].Lease);
            var hops = replies.Select(reply => new TransportChoice(HopTransportCodec.FromWire(reply.Transport), reply.TransportReason)).ToList();
            var entrance = await TransportChoice.DecideAsync(settings.Transport, connections[0], cancellationToken);
            if (entrance.Transport == HopTransport.Ipc)
            {
                pipeline.UseSharedMemory();
            }

            var fromRing = hops[^1].Transport == HopTransport.Ipc ? results : null;
            await pipeline.ReadResultsAsync(fromRing, alertness);
            results = fromRing is null ? results : null;
            return new StartedEpoch([.. replies.Select(reply => reply.CacheBytes)], new HopList([entrance, .. hops]));
        }
        finally
        {
            if (results is not null)
            {
                await results.DisposeAsync();
            }
        }
    }

    private static ResultReader? OfferResults(HopTransport transport)
    {
        try
        {
            return transport == HopTransport.Grpc ? null : ResultReader.Create();
        }
        catch (IOException) when (transport == HopTransport.Auto)
        {
            return null;
        }
        catch (IOException exception)
        {
            throw new UserErrorException($"--transport ipc: {exception.Message}");
        }
    }

    private async Task<StartReply[]> StartAllAsync(PipelineSettings settings, KvCacheSpec cache, PlanEpoch epoch, string resultRing, CancellationToken cancellationToken)
    {
        var replies = new StartReply[connections.Count];
        for (var stage = connections.Count - 1; stage >= 0; stage--)
        {
            var isLast = stage == connections.Count - 1;
            var request = new StartRequest
            {
                Epoch = epoch.Value,
                BlockSize = cache.BlockSize,
                NextAddress = isLast ? "" : connections[stage + 1].Address,
                NextLease = isLast ? 0 : connections[stage + 1].Lease,
                MaxBatchTokens = settings.MaxBatchedTokens,
                MaxSequences = settings.MaxSequences,
                Transport = HopTransportCodec.ToWire(settings.Transport),
                ResultRing = isLast ? resultRing : "",
            };
            request.Groups.AddRange(cache.Groups.Select(group => new CacheGroup { Window = group.Window ?? 0, RingBlocks = group.RingBlocks, BlockCount = group.BlockCount }));
            replies[stage] = await connections[stage].StartAsync(request, cancellationToken);
        }

        return replies;
    }
}
