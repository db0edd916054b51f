using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// The stored bytes of one tensor, seen through its file's map. A tensor may be larger than one span can be, so it is read in
/// slices.
/// </summary>
public sealed class TensorBytes
{
    private readonly SafetensorsFile file;
    private readonly TensorEntry entry;

    internal TensorBytes(SafetensorsFile file, TensorEntry entry, ElementType type)
    {
        this.file = file;
        this.entry = entry;
        Type = type;
    }

    public string Name => entry.Name;

    public ElementType Type { get; }

    public IReadOnlyList<long> Shape => entry.Shape;

    public long ByteLength => entry.ByteLength;

    /// <summary>Bytes from an offset inside the tensor. The span is valid until the file is disposed of.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - length);
        return file.Slice(entry.FileOffset + offset, length);
    }

    /// <summary>Gives the memory under a range back, since it is not looked at again soon.</summary>
    public void Release(long offset, long length) => file.Release(entry.FileOffset + offset, length);
}
