namespace Pipeline.Shared.Batching;

/// <summary>Counts the plans of a pipeline. A stage refuses whatever carries another epoch than its own: the fence against half-dead peers.</summary>
public readonly record struct PlanEpoch(long Value)
{
    public override string ToString() => $"epoch {Value}";
}
