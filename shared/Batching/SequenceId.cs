namespace Pipeline.Shared.Batching;

/// <summary>Names one sequence (one prompt and its continuation). Never used twice within one coordinator's life.</summary>
public readonly record struct SequenceId(long Value)
{
    public override string ToString() => $"seq{Value}";
}
