namespace Pipeline.Model.CudaRuntime;

/// <summary>A mark on a stream that a thread can wait for without spinning.</summary>
internal sealed class CudaEvent : IDisposable
{
    private const uint BlockingWithoutTiming = 1 | 2;

    private readonly nint _handle;

    public CudaEvent() => CudaException.Check(CudaDriver.cuEventCreate(out _handle, BlockingWithoutTiming), "create an event");

    public void Record(CudaStream stream) => CudaException.Check(CudaDriver.cuEventRecord(_handle, stream.Handle), "record an event");

    /// <summary>Waits until the stream has come to the mark; at once if there is none.</summary>
    public void Wait() => CudaException.Check(CudaDriver.cuEventSynchronize(_handle), "wait for an event");

    public void Dispose() => _ = CudaDriver.cuEventDestroy(_handle);
}
