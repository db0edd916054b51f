using System.Buffers;
using Pipeline.Shared.Models;

namespace Pipeline.Shared.Batching;

/// <summary>
/// Activations between two stages: <c>[Rows, Width]</c>, row-major, little-endian, in the pipeline's own element type.
/// Owns its memory; whoever consumes it disposes it. They lie in the host's memory, or in a slot of a device's memory that two
/// stages share.
/// </summary>
public sealed class HiddenStates : IDisposable
{
    private IMemoryOwner<byte>? _owner;
    private IDeviceSlot? _slot;

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

    public HiddenStates(int rows, int width, ElementType elementType, IDeviceSlot slot)
    {
        ArgumentNullException.ThrowIfNull(slot);
        Rows = rows;
        Width = width;
        ElementType = elementType;
        _slot = slot;
    }

    public int Rows { get; }

    public int Width { get; }

    public ElementType ElementType { get; }

    public int ByteCount => checked(Rows * Width * ElementType.ByteSize());

    /// <summary>Where they lie if that is a device; they have no bytes on the host then.</summary>
    public IDeviceSlot? DeviceSlot => _slot;

    public Memory<byte> Bytes => _slot is null
        ? (_owner ?? throw new ObjectDisposedException(nameof(HiddenStates))).Memory[..ByteCount]
        : throw new InvalidOperationException("these hidden states are on a device");

    /// <summary>Rents a buffer of the right size from the shared pool.</summary>
    public static HiddenStates Rent(int rows, int width, ElementType elementType) =>
        new(rows, width, elementType, MemoryPool<byte>.Shared.Rent(checked(rows * width * elementType.ByteSize())));

    /// <summary>Hands the slot over: whoever takes it disposes of it.</summary>
    public IDeviceSlot TakeDeviceSlot()
    {
        var slot = _slot ?? throw new InvalidOperationException("these hidden states are not on a device");
        _slot = null;
        return slot;
    }

    public void Dispose()
    {
        _owner?.Dispose();
        _owner = null;
        _slot?.Dispose();
        _slot = null;
    }
}
