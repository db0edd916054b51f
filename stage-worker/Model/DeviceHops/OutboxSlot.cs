using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.DeviceHops;

/// <summary>A slot on the side that writes. Disposed of when the other side has read it, or when it is not sent.</summary>
internal sealed class OutboxSlot(DeviceOutbox outbox, int index, nint pointer, CudaEvent written) : IDeviceSlot
{
    public int Index => index;

    public bool IsAhead => outbox.IsAhead;

    public CudaEvent Written => written;

    /// <summary>Queues the copy into the slot, and the mark for which the reader waits.</summary>
    public void Fill(nint source, long bytes, CudaStream stream)
    {
        stream.CopyOnDevice(pointer, source, bytes);
        written.Record(stream);
    }

    public void Dispose() => outbox.Return(this);
}
