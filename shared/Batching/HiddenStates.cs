using System.Buffers;
using Pipeline.Shared.Models;

namespace Pipeline.Shared.Batching;

/// <summary>
/// Activations between two stages: <c>[Rows, Width]</c>, row-major, little-endian, in the pipeline's own element type.
/// Owns its memory; whoever consumes it disposes it.
/// </summary>
public sealed class HiddenStates : IDisposable
{
    private IMemoryOwner<byte>? _owner;

    public HiddenStates(int rows, int width, ElementType elementType, IMemoryOwner<byte> owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        Rows = rows;
        Width = width;
        ElementType = elementType;
        _owner = owner;
        if (owner.Memory.Length < ByteCount)
        {
            throw new ArgumentException($"[{rows}, {width}] of {elementType} needs {ByteCount} bytes, the buffer holds {owner.Memory.Length}", nameof(owner));
        }
    }

    public int Rows { get; }

    public int Width { get; }

    public ElementType ElementType { get; }

    public int ByteCount => checked(Rows * Width * ElementType.ByteSize());

    public Memory<byte> Bytes => (_owner ?? throw new ObjectDisposedException(nameof(HiddenStates))).Memory[..ByteCount];

    /// <summary>Rents a buffer of the right size from the shared pool.</summary>
    public static HiddenStates Rent(int rows, int width, ElementType elementType) =>
        new(rows, width, elementType, MemoryPool<byte>.Shared.Rent(checked(rows * width * elementType.ByteSize())));

    public void Dispose()
    {
        _owner?.Dispose();
        _owner = null;
    }
}
