using System.Runtime.InteropServices;

namespace Pipeline.Model.CpuKernels;

/// <summary>Floats in native memory, aligned for the widest vector; large ones ask the system for huge pages.</summary>
/// <remarks>Huge pages were worth 15 to 20 % of the read bandwidth of one thread: a weight is read once and misses the TLB every 4 KiB otherwise.</remarks>
public sealed unsafe partial class NativeBuffer : IDisposable
{
    private const nuint VectorAlignment = 64;
    private const nuint HugePage = 2 << 20;
    private const int AdviceHugePage = 14;

    private float* _pointer;

    /// <summary>An empty buffer, to be grown by <see cref="Reserve"/>.</summary>
    public NativeBuffer()
    {
    }

    /// <summary>A buffer of <paramref name="length"/> zeros.</summary>
    public NativeBuffer(long length)
    {
        Reserve(length);
        NativeMemory.Clear(_pointer, (nuint)length * sizeof(float));
    }

    ~NativeBuffer() => Free();

    public float* Pointer => _pointer;

    /// <summary>Floats that fit.</summary>
    public long Length { get; private set; }

    /// <summary>Makes room for at least <paramref name="length"/> floats. Growing loses the content; the new one is undefined.</summary>
    public float* Reserve(long length)
    {
        if (length > Length)
        {
            Free();
            _pointer = Allocate((nuint)length * sizeof(float));
            Length = length;
        }

        return _pointer;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static float* Allocate(nuint bytes)
    {
        if (bytes < HugePage)
        {
            return (float*)NativeMemory.AlignedAlloc(bytes, VectorAlignment);
        }

        var whole = (bytes + HugePage - 1) / HugePage * HugePage;
        var memory = NativeMemory.AlignedAlloc(whole, HugePage);
        if (OperatingSystem.IsLinux())
        {
            // Only advice: without huge pages everything works, a little slower.
            _ = AdviseMemory(memory, whole, AdviceHugePage);
        }

        return (float*)memory;
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
        Length = 0;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int AdviseMemory(void* address, nuint length, int advice);
}
