using System.Runtime.InteropServices;

namespace Pipeline.Model.Tests.CpuKernels;

/// <summary>Native arrays for kernels under test, poisoned with NaN and fenced: writing beside one fails the test at the end.</summary>
internal sealed unsafe class GuardedMemory : IDisposable
{
    private const int Fence = 64;
    private const int FenceBits = 0x7FC0FEED;

    private readonly List<(nint Start, long Length)> _blocks = [];

    /// <summary>Floats that are NaN until somebody writes them.</summary>
    public float* Poisoned(long length)
    {
        var start = (int*)NativeMemory.AlignedAlloc((nuint)(length + (2 * Fence)) * sizeof(float), 64);
        new Span<int>(start, checked((int)length + (2 * Fence))).Fill(FenceBits);
        _blocks.Add(((nint)start, length));
        return (float*)start + Fence;
    }

    public float* Floats(ReadOnlySpan<float> values)
    {
        var pointer = Poisoned(values.Length);
        values.CopyTo(new Span<float>(pointer, values.Length));
        return pointer;
    }

    public int* Ints(ReadOnlySpan<int> values) => (int*)Floats(MemoryMarshal.Cast<int, float>(values));

    public static float[] Read(float* pointer, int length) => new ReadOnlySpan<float>(pointer, length).ToArray();

    public static int[] Read(int* pointer, int length) => new ReadOnlySpan<int>(pointer, length).ToArray();

    public void Dispose()
    {
        var intact = _blocks.TrueForAll(block => IsFence(block.Start, 0) && IsFence(block.Start, Fence + block.Length));
        _blocks.ForEach(block => NativeMemory.AlignedFree((void*)block.Start));
        Assert.True(intact, "a kernel wrote beside its output");
    }

    private static bool IsFence(nint start, long offset) =>
        !new ReadOnlySpan<int>((int*)start + offset, Fence).ContainsAnyExcept(FenceBits);
}
