using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.DeviceHops;

/// <summary>A slot on the side that reads.</summary>
internal sealed class InboxSlot(int index, nint pointer, CudaEvent written, IDisposable onRead) : IDeviceSlot
{
    public int Index => index;

    public nint Pointer => pointer;

    public bool IsFilled => written.HasHappened();

    /// <summary>What is queued in the stream from here on comes after the writing.</summary>
    public void WaitIn(CudaStream stream) => stream.WaitFor(written);

    public void Dispose() => onRead.Dispose();
}
