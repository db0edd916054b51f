namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// The stream on which a kernel set works. It is a blocking stream: libtorch works on the legacy default stream, and the driver
/// keeps the two in order, so that tensors can pass from one to the other without events.
/// </summary>
internal sealed class CudaStream : IDisposable
{
    private const int RelaxedCapture = 2;
    private const uint WithoutBlocking = 1;

    public CudaStream()
        : this(0)
    {
    }

    private CudaStream(uint flags)
    {
        CudaException.Check(CudaDriver.cuStreamCreate(out var handle, flags), "create a stream");
        Handle = handle;
    }

    public nint Handle { get; }

    /// <summary>One that libtorch's work neither waits for nor holds up.</summary>
    public static CudaStream NonBlocking() => new(WithoutBlocking);

    public void Synchronize() => CudaException.Check(CudaDriver.cuStreamSynchronize(Handle), "finish a step");

    /// <summary>Waits where failures no longer matter.</summary>
    public void Settle() => _ = CudaDriver.cuStreamSynchronize(Handle);

    public void CopyToDevice(nint to, nint from, long bytes) =>
        CudaException.Check(CudaDriver.cuMemcpyHtoDAsync(to, from, (nuint)bytes, Handle), "copy to the device");

    public void CopyToHost(nint to, nint from, long bytes) =>
        CudaException.Check(CudaDriver.cuMemcpyDtoHAsync(to, from, (nuint)bytes, Handle), "copy from the device");

    /// <summary>Between memories of devices, also where one of them is another process's.</summary>
    public void CopyOnDevice(nint to, nint from, long bytes) =>
        CudaException.Check(CudaDriver.cuMemcpyAsync(to, from, (nuint)bytes, Handle), "copy between devices");

    /// <summary>What is queued from here on waits until the event has happened, as it was recorded last.</summary>
    public void WaitFor(CudaEvent recorded) => CudaException.Check(CudaDriver.cuStreamWaitEvent(Handle, recorded.Handle, 0), "wait for an event");

    public void Clear(nint pointer, long bytes) => Fill(pointer, 0, bytes);

    public void Fill(nint pointer, byte value, long bytes) => CudaException.Check(CudaDriver.cuMemsetD8Async(pointer, value, (nuint)bytes, Handle), "fill memory");

    /// <summary>Records what the action launches instead of running it.</summary>
    public CudaGraph Capture(Action action)
    {
        CudaException.Check(CudaDriver.cuStreamBeginCapture(Handle, RelaxedCapture), "begin a graph");
        try
        {
            action();
        }
        catch
        {
            if (CudaDriver.cuStreamEndCapture(Handle, out var abandoned) == 0 && abandoned != 0)
            {
                _ = CudaDriver.cuGraphDestroy(abandoned);
            }

            throw;
        }

        CudaException.Check(CudaDriver.cuStreamEndCapture(Handle, out var graph), "end a graph");
        return new CudaGraph(graph);
    }

    public void Dispose() => _ = CudaDriver.cuStreamDestroy(Handle);
}
