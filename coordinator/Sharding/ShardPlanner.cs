using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Sharding;

/// <summary>Cuts a model into shards, by a policy or as the user said, and refuses cuts that leave a stage without a layer.</summary>
public static class ShardPlanner
{
    /// <summary>Cut by a policy.</summary>
    public static ShardPlan Plan(ModelConfig config, ElementType elementType, int stageCount, IPartitionPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(policy);
        CheckStageCount(config, stageCount);
        return ShardPlan.FromLayerCounts(policy.Partition(LayerCosts.Of(config, elementType), stageCount));
    }

    /// <summary>Cut at given layer counts; <paramref name="stageCount"/> is null when the user left it to the list.</summary>
    public static ShardPlan PlanExplicit(ModelConfig config, IReadOnlyList<int> layersPerStage, int? stageCount)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(layersPerStage);
        var list = string.Join(',', layersPerStage);
        if (stageCount is { } stages && stages != layersPerStage.Count)
        {
            throw new UserErrorException($"layers per stage {list} name {layersPerStage.Count} stages, but {stages} were asked for");
        }

        CheckStageCount(config, layersPerStage.Count);
        for (var stage = 0; stage < layersPerStage.Count; stage++)
        {
            if (layersPerStage[stage] < 1)
            {
                throw new UserErrorException($"layers per stage {list} give stage {stage} {layersPerStage[stage]} layers; every stage needs at least 1");
            }
        }

        var sum = layersPerStage.Sum(count => (long)count);
        return sum == config.LayerCount
            ? ShardPlan.FromLayerCounts(layersPerStage)
            : throw new UserErrorException($"layers per stage {list} sum to {sum}, but {config.Name} has {config.LayerCount} layers");
    }

    private static void CheckStageCount(ModelConfig config, int stageCount)
    {
        if (stageCount < 1)
        {
            throw new UserErrorException($"cannot cut a model into {stageCount} stages; at least 1 is needed");
        }

        if (stageCount > config.LayerCount)
        {
            throw new UserErrorException($"cannot cut {config.LayerCount} layers of {config.Name} into {stageCount} stages; at most {config.LayerCount} stages");
        }
    }
}
