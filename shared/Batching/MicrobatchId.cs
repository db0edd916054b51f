namespace Pipeline.Shared.Batching;

/// <summary>Names one microbatch slot of the rotation: 0 .. M-1. Sequences stay in their microbatch while they decode.</summary>
public readonly record struct MicrobatchId(int Value)
{
    public override string ToString() => $"mb{Value}";
}
