namespace Pipeline.Shared.Checkpoints;

/// <summary>One tensor of a safetensors file: what it is and where its bytes lie, counted from the start of the file.</summary>
public sealed record TensorEntry(
    string Name, SafetensorsType Type, IReadOnlyList<long> Shape, long FileOffset, long ByteLength)
{
    /// <summary>The shape as people write it, for instance <c>[32, 64]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
