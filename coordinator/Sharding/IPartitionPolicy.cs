namespace Pipeline.Coordinator.Sharding;

/// <summary>Decides how many layers each stage gets. The planner has checked that there is at least one for every stage.</summary>
public interface IPartitionPolicy
{
    /// <summary>Layers per stage: each at least 1, together all layers.</summary>
    IReadOnlyList<int> Partition(LayerCosts costs, int stageCount);
}
