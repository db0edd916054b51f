namespace Pipeline.Shared.Sharding;

/// <summary>Half-open range of global layer indices [Start, End).</summary>
public readonly record struct LayerRange(int Start, int End)
{
    public int Count => End - Start;

    public bool Contains(int layer) => layer >= Start && layer < End;

    public override string ToString() => $"{Start}..{End - 1}";
}
