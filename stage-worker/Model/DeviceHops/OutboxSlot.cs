using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.DeviceHops;

/// <summary>A slot on the side that writes. Disposed of when the other side has read it, or when it is not sent.</summary>
internal sealed class OutboxSlot(int index, nint pointer, CudaEvent written, Action<OutboxSlot> giveBack) : IDeviceSlot
{
    public int Index => index;

    public CudaEvent Written => written;

    /// <summary>Queues the copy into the slot, and the mark for which the reader waits.</summary>
    public void Fill(nint source, long bytes, CudaStream stream)
    {
        stream.CopyOnDevice(pointer, source, bytes);
        written.Record(stream);
    }

    public void Dispose() => giveBack(this);
}
