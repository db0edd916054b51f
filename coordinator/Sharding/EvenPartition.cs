namespace Pipeline.Coordinator.Sharding;

/// <summary>The same number of layers everywhere; what is left over goes one each to the first stages.</summary>
public sealed class EvenPartition : IPartitionPolicy
{
    public IReadOnlyList<int> Partition(LayerCosts costs, int stageCount)
    {
        ArgumentNullException.ThrowIfNull(costs);
        var (each, rest) = Math.DivRem(costs.Layers.Count, stageCount);
        return [.. Enumerable.Range(0, stageCount).Select(stage => each + (stage < rest ? 1 : 0))];
    }
}
