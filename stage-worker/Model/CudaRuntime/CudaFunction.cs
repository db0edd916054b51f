namespace Pipeline.Model.CudaRuntime;

/// <summary>A kernel of a loaded module.</summary>
internal sealed unsafe class CudaFunction
{
    private const int SharedBytesAttribute = 8;
    private const int RegistersAttribute = 4;
    private const int LocalBytesAttribute = 3;
    private const int ProgrammaticLaunch = 6;

    private readonly nint _handle;
    private readonly string _name;
    private readonly bool _overlaps;

    /// <param name="overlaps">The kernel may begin while the one before it ends: it waits for its inputs itself.</param>
    public CudaFunction(nint module, string name, bool overlaps)
    {
        CudaException.Check(CudaDriver.cuModuleGetFunction(out _handle, module, name), $"find the kernel {name}");
        _name = name;
        _overlaps = overlaps;
    }

    public string Name => _name;

    /// <summary>What the compiler made of it; local bytes are registers that did not fit.</summary>
    public (int Registers, int LocalBytes) Resources =>
        (Attribute(RegistersAttribute), Attribute(LocalBytesAttribute));

    /// <summary>More shared memory than every device gives without asking.</summary>
    public void AllowSharedBytes(int bytes)
    {
        CudaException.Check(CudaDriver.cuFuncSetAttribute(_handle, SharedBytesAttribute, bytes), $"give {_name} {bytes} bytes of shared memory");
    }

    public void Launch(CudaStream stream, (int X, int Y, int Z) grid, int threads, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments)
    {
        var pointers = stackalloc void*[arguments.Length];
        fixed (KernelArgument* first = arguments)
        {
            for (var i = 0; i < arguments.Length; i++)
            {
                pointers[i] = first + i;
            }

            Launch(stream, grid, threads, sharedBytes, pointers);
        }
    }

    /// <summary>Like the other, with one parameter of any size at the end.</summary>
    public void LaunchWith<T>(CudaStream stream, (int X, int Y, int Z) grid, int threads, int sharedBytes, in T last, params ReadOnlySpan<KernelArgument> arguments)
        where T : unmanaged
    {
        var pointers = stackalloc void*[arguments.Length + 1];
        fixed (KernelArgument* first = arguments)
        fixed (T* large = &last)
        {
            for (var i = 0; i < arguments.Length; i++)
            {
                pointers[i] = first + i;
            }

            pointers[arguments.Length] = large;
            Launch(stream, grid, threads, sharedBytes, pointers);
        }
    }

    private void Launch(CudaStream stream, (int X, int Y, int Z) grid, int threads, int sharedBytes, void** pointers)
    {
        var attribute = new CudaDriver.LaunchAttribute { Id = ProgrammaticLaunch, Value = 1 };
        var config = new CudaDriver.LaunchConfig
        {
            GridX = (uint)grid.X,
            GridY = (uint)grid.Y,
            GridZ = (uint)grid.Z,
            BlockX = (uint)threads,
            BlockY = 1,
            BlockZ = 1,
            SharedBytes = (uint)sharedBytes,
            Stream = stream.Handle,
            Attributes = &attribute,
            AttributeCount = _overlaps ? 1u : 0,
        };
        CudaException.Check(CudaDriver.cuLaunchKernelEx(&config, _handle, pointers, null), $"launch {_name}");
    }

    private int Attribute(int attribute)
    {
        CudaException.Check(CudaDriver.cuFuncGetAttribute(out var value, attribute, _handle), $"inspect {_name}");
        return value;
    }
}
