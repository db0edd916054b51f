using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Sharding;

/// <summary>A shard plan in numbers: what every stage holds, how even the work is and how much cache fits.</summary>
/// <param name="Imbalance">Work of the busiest stage over the mean: 1 is perfect, and the pipeline is this much slower than that.</param>
/// <param name="BusiestStage">The stage that sets the pace.</param>
/// <param name="Cache">Null when no memory was given.</param>
public sealed record PlanReport(
    string Model,
    int LayerCount,
    ElementType ElementType,
    long WeightBytes,
    IReadOnlyList<StageReport> Stages,
    double Imbalance,
    int BusiestStage,
    CacheReport? Cache)
{
    public static PlanReport Of(ModelConfig config, ShardPlan plan, CacheOptions options, long? memoryPerStage)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(options);
        var costs = LayerCosts.Of(config, options.ElementType);
        var parts = plan.Shards.Select(costs.Of).ToArray();
        var work = parts.Sum(part => part.BytesPerToken);
        var cache = new CachePlanner(config, plan, options);
        var stages = plan.Shards.Zip(parts, (shard, part) => Stage(shard, part, work, cache, memoryPerStage)).ToArray();
        var busiest = stages.MaxBy(stage => stage.WeightBytesPerToken)!;
        return new PlanReport(
            config.Name,
            config.LayerCount,
            options.ElementType,
            parts.Sum(part => part.WeightBytes),
            stages,
            busiest.WorkShare * stages.Length,
            busiest.Stage,
            memoryPerStage is { } memory ? Room(plan, options, cache, stages, memory) : null);
    }

    private static StageReport Stage(ShardAssignment shard, PartCost part, long work, CachePlanner cache, long? memory)
    {
        var free = memory - part.WeightBytes;
        return new StageReport(
            shard.StageIndex,
            shard.Layers,
            shard.IsFirst,
            shard.IsLast,
            part.Tensors,
            part.WeightBytes,
            cache.BytesPerToken(shard),
            part.BytesPerToken,
            (double)part.BytesPerToken / work,
            free,
            free is { } bytes ? cache.AffordableTokens(shard, bytes) : null);
    }

    private static CacheReport Room(ShardPlan plan, CacheOptions options, CachePlanner cache, StageReport[] stages, long memory)
    {
        var free = stages.Select(stage => stage.FreeBytes!.Value).ToArray();
        var groups = cache.Fit(free).Groups;
        var sequences = plan.Shards.Select(shard => (double)free[shard.StageIndex] / cache.BytesPerSequence(shard)).ToArray();
        var deciding = Array.IndexOf(sequences, sequences.Min());
        return new CacheReport(
            memory,
            options.BlockSize,
            options.MaxModelLength,
            groups,
            (long)groups[cache.LongestGroup()].BlockCount * options.BlockSize,
            deciding,
            groups.Min(group => (double)group.BlockCount / group.RingBlocks));
    }
}
