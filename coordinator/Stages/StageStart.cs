using Pipeline.Protos.Clients;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Stages;

/// <summary>Opens an epoch on stages that are loaded, from the last to the first: each makes sure that its successor is there.</summary>
internal static class StageStart
{
    public static async Task<StartReply[]> StartAsync(
        PipelineSettings settings, IReadOnlyList<StageConnection> connections, KvCacheSpec cache, PlanEpoch epoch, CancellationToken cancellationToken)
    {
        var replies = new StartReply[connections.Count];
        for (var stage = connections.Count - 1; stage >= 0; stage--)
        {
            var request = new StartRequest
            {
                Epoch = epoch.Value,
                BlockSize = cache.BlockSize,
                NextAddress = stage + 1 < connections.Count ? connections[stage + 1].Address : "",
                MaxBatchTokens = settings.MaxBatchedTokens,
                MaxSequences = settings.MaxSequences,
            };
            request.Groups.AddRange(cache.Groups.Select(group => new CacheGroup { Window = group.Window ?? 0, RingBlocks = group.RingBlocks, BlockCount = group.BlockCount }));
            replies[stage] = await connections[stage].StartAsync(request, cancellationToken);
        }

        return replies;
    }
}
