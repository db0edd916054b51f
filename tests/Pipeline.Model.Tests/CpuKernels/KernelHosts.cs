using Pipeline.Model.CpuKernels;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.Tests.CpuKernels;

/// <summary>The hosts that must all give the same bits: every vector width and several thread counts.</summary>
internal sealed class KernelHosts : IDisposable
{
    public KernelThreads One { get; } = new(1, VectorWidth.Bits512);

    public IReadOnlyList<KernelThreads> Others { get; } =
    [
        new(2, VectorWidth.Bits512), new(3, VectorWidth.Bits512), new(1, VectorWidth.Bits256), new(2, VectorWidth.Bits256),
        new(1, VectorWidth.Scalar), new(3, VectorWidth.Scalar),
    ];

    /// <summary>Runs a kernel on the one-threaded 512-bit host and requires the same bits of all others.</summary>
    public float[] RunEverywhere(Func<KernelThreads, float[]> kernel)
    {
        var expected = kernel(One);
        foreach (var host in Others)
        {
            KernelAssert.SameBits(expected, kernel(host), $"{host.Width} on {host.ThreadCount} threads");
        }

        return expected;
    }

    public void Dispose()
    {
        One.Dispose();
        foreach (var host in Others)
        {
            host.Dispose();
        }
    }
}
