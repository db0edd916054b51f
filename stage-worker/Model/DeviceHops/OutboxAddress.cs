using System.Buffers.Binary;

namespace Pipeline.Model.DeviceHops;

/// <summary>
/// What another process needs to read an outbox: the driver's handles of its memory and of each slot's event. As bytes it goes
/// into a call's headers.
/// </summary>
internal sealed class OutboxAddress
{
    private const uint Magic = 0x31584F42; // "BOX1"
    private const int OwnerOffset = 16;
    private const int OwnerBytes = 16;
    private const int HeadBytes = OwnerOffset + OwnerBytes;
    private const int HandleBytes = 64;
    private const int MostSlots = 64;

    /// <summary>Process numbers mean something else in another container.</summary>
    private static readonly Guid ThisProcess = Guid.NewGuid();

    private readonly byte[] _bytes;

    private OutboxAddress(byte[] bytes) => _bytes = bytes;

    public int SlotCount => BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(4));

    public long SlotBytes => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(8));

    /// <summary>The memory is this process's own, which it cannot open a second time.</summary>
    public bool IsOwn => new Guid(_bytes.AsSpan(OwnerOffset, OwnerBytes)) == ThisProcess;

    public Span<byte> Memory => _bytes.AsSpan(HeadBytes, HandleBytes);

    public ReadOnlyMemory<byte> Bytes => _bytes;

    public static OutboxAddress Create(int slots, long slotBytes)
    {
        var bytes = new byte[LengthOf(slots)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), slots);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), slotBytes);
        ThisProcess.TryWriteBytes(bytes.AsSpan(OwnerOffset));
        return new OutboxAddress(bytes);
    }

    /// <summary>Throws <see cref="IOException"/> on anything else.</summary>
    public static OutboxAddress Parse(ReadOnlySpan<byte> bytes)
    {
        var address = new OutboxAddress(bytes.ToArray());
        return bytes.Length >= HeadBytes
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic
            && address.SlotCount is > 0 and <= MostSlots
            && address.SlotBytes > 0
            && bytes.Length == LengthOf(address.SlotCount)
            ? address
            : throw new IOException($"{bytes.Length} bytes that are no address of device memory");
    }

    public Span<byte> Event(int slot) => _bytes.AsSpan(HeadBytes + (HandleBytes * (slot + 1)), HandleBytes);

    private static int LengthOf(int slots) => HeadBytes + (HandleBytes * (slots + 1));
}
