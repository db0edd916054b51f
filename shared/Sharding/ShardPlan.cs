namespace Pipeline.Shared.Sharding;

/// <summary>The whole model cut into contiguous, non-empty shards, one a stage.</summary>
public sealed record ShardPlan(IReadOnlyList<ShardAssignment> Shards)
{
    public int StageCount => Shards.Count;

    /// <summary>Plan from layer counts, for instance 3,2,2,1.</summary>
    public static ShardPlan FromLayerCounts(IReadOnlyList<int> counts)
    {
        var shards = new List<ShardAssignment>(counts.Count);
        var start = 0;
        for (var stage = 0; stage < counts.Count; stage++)
        {
            shards.Add(new ShardAssignment(stage, counts.Count, new LayerRange(start, start + counts[stage])));
            start += counts[stage];
        }

        return new ShardPlan(shards);
    }
}
