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

    /// <summary>
    /// The best of a few rounds allocates less than one object a call. A call that allocates does so in every round; what the
    /// runtime allocates once in a thread's life (the first slow wait, a collection that ends a thread's allocation buffer) falls
    /// into one of them.
    /// </summary>
    public static void AllocatesNothing(Action call)
    {
        const int rounds = 5;
        const int calls = 50;
        call();
        var least = long.MaxValue;
        for (var round = 0; round < rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < calls; i++)
            {
                call();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, 0, calls * 16);
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
