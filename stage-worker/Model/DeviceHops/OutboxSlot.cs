using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.DeviceHops;

/// <summary>A slot on the side that writes. Disposed of when the other side has read it, or when it is not sent.</summary>
internal sealed class OutboxSlot(int index, nint pointer, CudaEvent written, Action<OutboxSlot> giveBack) : IDeviceSlot
{
    public int Index => index;

    public CudaEvent Written => written;

    public nint Pointer => pointer;

    public bool IsFilled => written.HasHappened();

    /// <summary>What the stream was given so far has filled the slot: the mark for which the reader waits.</summary>
    public void MarkWritten(CudaStream stream) => written.Record(stream);

    public void Dispose() => giveBack(this);
}
