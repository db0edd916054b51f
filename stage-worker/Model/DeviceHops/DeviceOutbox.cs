using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.DeviceHops;

/// <summary>
/// Device memory out of which the next stage reads this one's hidden states, also where it is another process with another
/// device. The host only tells it which slot: the order on the devices is kept by an event for each slot.
/// </summary>
public sealed class DeviceOutbox : IDisposable
{
    private readonly DeviceMemory _memory;
    private readonly List<OutboxSlot> _slots = [];
    private readonly ConcurrentQueue<OutboxSlot> _free = [];

    private DeviceOutbox(DeviceMemory memory, OutboxAddress address)
    {
        _memory = memory;
        CudaException.Check(CudaDriver.cuIpcGetMemHandle(out var handle, memory.Pointer), "share device memory");
        MemoryMarshal.Write(address.Memory, handle);
        for (var i = 0; i < address.SlotCount; i++)
        {
            var written = CudaEvent.Shared();
            _slots.Add(new OutboxSlot(i, memory.Pointer + (nint)(i * address.SlotBytes), written, _free.Enqueue));
            written.Export(address.Event(i));
            _free.Enqueue(_slots[i]);
        }

        Address = address.Bytes;
    }

    /// <summary>For the next stage to find it.</summary>
    public ReadOnlyMemory<byte> Address { get; }

    /// <summary>Throws <see cref="IOException"/> where the device's memory cannot be shared.</summary>
    /// <param name="slotBytes">Of the largest step.</param>
    internal static DeviceOutbox Create(CudaStream stream, int slots, long slotBytes)
    {
        DeviceMemory? memory = null;
        try
        {
            memory = new DeviceMemory(slots * slotBytes, stream);
            return new DeviceOutbox(memory, OutboxAddress.Create(slots, slotBytes));
        }
        catch (CudaException exception) when (!exception.IsDeviceLost)
        {
            memory?.Dispose();
            throw new IOException(exception.Message, exception);
        }
    }

    /// <summary>A slot that nobody reads any more; null when there is none.</summary>
    internal OutboxSlot? TryRent() => _free.TryDequeue(out var slot) ? slot : null;

    /// <summary>The stage that reads must be through with it.</summary>
    public void Dispose()
    {
        foreach (var slot in _slots)
        {
            slot.Written.Dispose();
        }

        _memory.Dispose();
    }
}
