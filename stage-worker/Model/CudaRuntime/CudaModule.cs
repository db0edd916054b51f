namespace Pipeline.Model.CudaRuntime;

/// <summary>Compiled kernels on the device.</summary>
internal sealed unsafe class CudaModule : IDisposable
{
    private readonly nint _handle;
    private readonly bool _overlaps;

    /// <param name="overlaps">The device has programmatic dependent launch, and the kernels are written for it.</param>
    public CudaModule(ReadOnlySpan<byte> cubin, bool overlaps)
    {
        _overlaps = overlaps;
        fixed (byte* image = cubin)
        {
            CudaException.Check(CudaDriver.cuModuleLoadData(out _handle, image), "load compiled kernels");
        }
    }

    public CudaFunction Function(string name) => new(_handle, name, _overlaps);

    public void Dispose() => _ = CudaDriver.cuModuleUnload(_handle);
}
