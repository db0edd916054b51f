namespace Pipeline.Model.CudaRuntime;

/// <summary>Memory on the device outside of libtorch's allocator; cleared.</summary>
internal sealed class DeviceMemory : IDisposable
{
    public DeviceMemory(long bytes, CudaStream stream)
    {
        Bytes = bytes;
        CudaException.Check(CudaDriver.cuMemAlloc(out var pointer, (nuint)bytes), $"take {bytes} bytes");
        Pointer = pointer;
        stream.Clear(pointer, bytes);
    }

    public nint Pointer { get; }

    public long Bytes { get; }

    public void Dispose() => _ = CudaDriver.cuMemFree(Pointer);
}
