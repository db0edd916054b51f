using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// The stored bytes of one tensor, seen through its file's map. A tensor may be larger than one span can be, so it is read in
/// slices.
/// </summary>
public sealed class TensorBytes
{
    private readonly SafetensorsFile _file;
    private readonly TensorEntry _entry;

    internal TensorBytes(SafetensorsFile file, TensorEntry entry, ElementType type)
    {
        this._file = file;
        this._entry = entry;
        Type = type;
    }

    public string Name => _entry.Name;

    public ElementType Type { get; }

    public IReadOnlyList<long> Shape => _entry.Shape;

    public long ByteLength => _entry.ByteLength;

    /// <summary>Bytes from an offset inside the tensor. The span is valid until the file is disposed of.</summary>
    public ReadOnlySpan<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - length);
        return _file.Slice(_entry.FileOffset + offset, length);
    }

    /// <summary>Reads bytes from an offset inside the tensor without looking at the map; from any thread.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - destination.Length);
        _file.Read(_entry, offset, destination);
    }

    /// <summary>Gives the memory under a range back, since it is not looked at again soon.</summary>
    public void Release(long offset, long length) => _file.Release(_entry.FileOffset + offset, length);
}
