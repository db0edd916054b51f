using System.Text;

namespace Pipeline.Model.CudaRuntime;

/// <summary>One device as the driver describes it. Asking needs no libtorch, and says in words why there is none.</summary>
public sealed class CudaDevice
{
    private const int MajorAttribute = 75;
    private const int MinorAttribute = 76;
    private const int MultiprocessorsAttribute = 16;
    private const int MpsAttribute = 133;
    private const int BFloat16Major = 8;

    private readonly int _handle;
    private readonly nint _context;

    private CudaDevice(int index, int handle)
    {
        Index = index;
        _handle = handle;
        CudaException.Check(CudaDriver.cuDevicePrimaryCtxRetain(out _context, handle), $"open cuda:{index}");
        Major = Attribute(MajorAttribute);
        Minor = Attribute(MinorAttribute);
        Multiprocessors = Attribute(MultiprocessorsAttribute);
    }

    public int Index { get; }

    /// <summary>Compute capability.</summary>
    public int Major { get; }

    public int Minor { get; }

    public int Multiprocessors { get; }

    public bool HasBFloat16 => Major >= BFloat16Major;

    /// <summary>
    /// Whether processes that share the device compute on it at the same time, through NVIDIA's MPS; they take turns otherwise.
    /// Drivers before CUDA 12.4 do not tell.
    /// </summary>
    public bool HasConcurrentProcesses => CudaDriver.cuDeviceGetAttribute(out var value, MpsAttribute, _handle) == 0 && value != 0;

    /// <summary>The same in every process that sees the device.</summary>
    public unsafe Guid Id
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            fixed (byte* first = bytes)
            {
                CudaException.Check(CudaDriver.cuDeviceGetUuid(first, _handle), $"identify cuda:{Index}");
            }

            return new Guid(bytes);
        }
    }

    public unsafe string Name
    {
        get
        {
            var text = stackalloc byte[128];
            CudaException.Check(CudaDriver.cuDeviceGetName(text, 128, _handle), $"name cuda:{Index}");
            return Encoding.UTF8.GetString(new ReadOnlySpan<byte>(text, 128)).TrimEnd('\0');
        }
    }

    /// <summary>The driver's CUDA version, for instance 13.0.</summary>
    public static string DriverVersion => CudaDriver.cuDriverGetVersion(out var version) == 0 ? $"{version / 1000}.{version % 1000 / 10}" : "unknown";

    /// <summary>Finds a device. Throws with the reason when there is no driver or no such device.</summary>
    public static CudaDevice Open(int index)
    {
        int initialized;
        try
        {
            initialized = CudaDriver.cuInit(0);
        }
        catch (DllNotFoundException exception)
        {
            throw new CudaException($"cuda:{index} is not available: this host has no NVIDIA driver (libcuda.so.1 was not found)", exception);
        }

        if (initialized != 0 || CudaDriver.cuDeviceGetCount(out var count) != 0)
        {
            throw new CudaException($"cuda:{index} is not available: the NVIDIA driver does not start here (error {initialized}); nvidia-smi may tell more");
        }

        if (index >= count)
        {
            throw new CudaException(
                count == 0 ? $"cuda:{index} is not available: the NVIDIA driver sees no device" : $"cuda:{index} does not exist: this host has {count} CUDA device(s), numbered from 0");
        }

        CudaException.Check(CudaDriver.cuDeviceGet(out var handle, index), $"find cuda:{index}");
        return new CudaDevice(index, handle);
    }

    /// <summary>Makes this device's primary context the calling thread's.</summary>
    public void MakeCurrent() => CudaException.Check(CudaDriver.cuCtxSetCurrent(_context), $"use cuda:{Index}");

    /// <summary>Free and total bytes, whatever thread asks.</summary>
    public (long Free, long Total) Memory()
    {
        CudaException.Check(CudaDriver.cuCtxGetCurrent(out var before), "read the current context");
        MakeCurrent();
        var result = CudaDriver.cuMemGetInfo(out var free, out var total);
        CudaException.Check(CudaDriver.cuCtxSetCurrent(before), "restore the current context");
        CudaException.Check(result, $"read the memory of cuda:{Index}");
        return ((long)free, (long)total);
    }

    private int Attribute(int attribute)
    {
        CudaException.Check(CudaDriver.cuDeviceGetAttribute(out var value, attribute, _handle), $"read an attribute of cuda:{Index}");
        return value;
    }
}
