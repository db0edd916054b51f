using System.Runtime.InteropServices;

namespace Pipeline.Model.Tests.CpuKernels;

/// <summary>Comparisons of kernel outputs: bit for bit among kernels, within a stated error against double precision.</summary>
internal static class KernelAssert
{
    public static void SameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        var common = MemoryMarshal.Cast<float, int>(expected).CommonPrefixLength(MemoryMarshal.Cast<float, int>(actual));
        Assert.True(
            common == expected.Length,
            common == expected.Length ? "" : $"{what}: element {common} is {expected[common]:R} here and {actual[common]:R} there");
    }

    /// <summary>Fewer bytes than one object a call: waiting for a slow thread may allocate once in a thread's life, a call never.</summary>
    public static void AllocatesNothing(Action call)
    {
        const int calls = 50;
        call();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < calls; i++)
        {
            call();
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, calls * 16);
    }

    /// <summary>|actual - expected| is at most <paramref name="relative"/> times the magnitude that went into the element.</summary>
    public static void Close(double[] expected, double[] magnitude, float[] actual, double relative, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            var error = Math.Abs(actual[i] - expected[i]);
            Assert.True(error <= relative * magnitude[i], $"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R} within {relative * magnitude[i]:E1}");
        }
    }
}
