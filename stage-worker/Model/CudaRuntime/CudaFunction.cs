namespace Pipeline.Model.CudaRuntime;

/// <summary>A kernel of a loaded module.</summary>
internal sealed unsafe class CudaFunction
{
    private const int SharedBytesAttribute = 8;
    private const int SharedPercentAttribute = 9;
    private const int StaticSharedBytesAttribute = 1;
    private const int RegistersAttribute = 4;
    private const int LocalBytesAttribute = 3;
    private const int ClusterShape = 4;
    private const int ProgrammaticLaunch = 6;
    private const int LeastSharedPercent = 25;
    private const int SharedBytesOfABlock = 1024; // beside its own
    private const int SharedBytesOfAll = 228 * 1024;

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

    /// <summary>
    /// Shared memory for so many blocks a multiprocessor, or a quarter of what it has; the rest is cache, where a kernel that loads
    /// into registers has its loads under way. Without a word it gets what the kernel before it left. For Hopper.
    /// </summary>
    public void KeepCache(int blocks)
    {
        var percent = Math.Max(LeastSharedPercent, ((blocks * (Attribute(StaticSharedBytesAttribute) + SharedBytesOfABlock) * 100) + SharedBytesOfAll - 1) / SharedBytesOfAll);
        CudaException.Check(CudaDriver.cuFuncSetAttribute(_handle, SharedPercentAttribute, percent), $"give {_name} cache");
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

            Launch(stream, grid, 1, threads, sharedBytes, pointers);
        }
    }

    /// <summary>Like the other, with one parameter of any size at the end.</summary>
    public void LaunchWith<T>(CudaStream stream, (int X, int Y, int Z) grid, int threads, in T last, params ReadOnlySpan<KernelArgument> arguments)
        where T : unmanaged => LaunchClusters(stream, grid, 1, threads, 0, last, arguments);

    /// <summary>Like the one before; as many blocks as a cluster has, neighbours in x, run side by side and see each other's shared memory.</summary>
    public void LaunchClusters<T>(
        CudaStream stream, (int X, int Y, int Z) grid, int cluster, int threads, int sharedBytes, in T last, params ReadOnlySpan<KernelArgument> arguments)
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
            Launch(stream, grid, cluster, threads, sharedBytes, pointers);
        }
    }

    private void Launch(CudaStream stream, (int X, int Y, int Z) grid, int cluster, int threads, int sharedBytes, void** pointers)
    {
        var attributes = stackalloc CudaDriver.LaunchAttribute[2];
        var count = 0u;
        if (_overlaps)
        {
            attributes[count++] = new() { Id = ProgrammaticLaunch, Value = 1 };
        }

        if (cluster > 1)
        {
            attributes[count++] = new() { Id = ClusterShape, Value = cluster, Second = 1, Third = 1 };
        }

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
            Attributes = attributes,
            AttributeCount = count,
        };
        CudaException.Check(CudaDriver.cuLaunchKernelEx(&config, _handle, pointers, null), $"launch {_name}");
    }

    private int Attribute(int attribute)
    {
        CudaException.Check(CudaDriver.cuFuncGetAttribute(out var value, attribute, _handle), $"inspect {_name}");
        return value;
    }
}
