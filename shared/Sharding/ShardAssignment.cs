namespace Pipeline.Shared.Sharding;

/// <summary>What one stage holds: its layers, the embedding if it is first, final norm and head if it is last.</summary>
public sealed record ShardAssignment(int StageIndex, int StageCount, LayerRange Layers)
{
    public bool IsFirst => StageIndex == 0;

    public bool IsLast => StageIndex == StageCount - 1;
}
