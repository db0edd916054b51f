using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Kernels;

/// <summary>V-12: in bfloat16 the order of rounding is visible in the bits.</summary>
public class NormTests
{
    private const int Width = 256;

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.002)] // here the epsilon is a quarter of the mean square
    public void AddAndNormalize_BFloat16_RoundsBeforeTheWeight(double magnitude)
    {
        var random = new Random(12);
        var residual = Random(random, magnitude);
        var delta = Random(random, magnitude);
        var weight = Random(random, 1);
        var (sum, actual) = Normalize("torch", ElementType.BFloat16, residual, delta, weight);
        Assert.Equal([.. residual.Zip(delta, (a, b) => Round(a + b))], sum);

        var scale = 1 / Math.Sqrt(sum.Average(x => (double)x * x) + 1e-5);
        var rightOrder = sum.Zip(weight, (x, w) => Round(Round((float)(x * scale)) * w)).ToArray();
        var wrongOrder = sum.Zip(weight, (x, w) => Round((float)(x * scale) * w)).ToArray();
        Assert.NotEqual(rightOrder, wrongOrder);
        Assert.Equal(rightOrder, actual);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void AddAndNormalize_Float32_EqualsTheFormula(string kernels)
    {
        var random = new Random(13);
        var (residual, delta, weight) = (Random(random, 0.01), Random(random, 0.01), Random(random, 1));
        var (sum, actual) = Normalize(kernels, ElementType.Float32, residual, delta, weight);
        Assert.Equal(residual.Zip(delta, (a, b) => a + b), sum);
        var scale = 1 / Math.Sqrt(sum.Average(x => (double)x * x) + 1e-5);
        Close.Vector([.. sum.Zip(weight, (x, w) => x * scale * w)], actual, "norm", 1e-5);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void AddAndNormalize_WithoutDelta_LeavesTheResidual(string kernels)
    {
        var random = new Random(14);
        var (residual, weight) = (Random(random, 1), Random(random, 1));
        var (sum, _) = Normalize(kernels, ElementType.Float32, residual, null, weight);
        Assert.Equal(residual, sum);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void SwiGlu_FusedRows_GateComesFirst(string kernels)
    {
        using var set = KernelSelection.Create(kernels, TinyModels.Dense, ElementType.Float32, torch.CPU, threads: 1);
        using var scope = torch.NewDisposeScope();
        var output = set.SwiGlu(torch.tensor([1f, -2, 3, 5, 0.5f, 0, 10, -1], [2, 4]));
        double[] expected = [Silu(1) * 3, Silu(-2) * 5, Silu(0.5) * 10, Silu(0) * -1];
        Close.Vector(expected, output.data<float>().ToArray(), "silu(gate) * up", 1e-5);
    }

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static (float[] Residual, float[] Normalized) Normalize(string kernels, ElementType type, float[] residual, float[]? delta, float[] weight)
    {
        using var set = KernelSelection.Create(kernels, TinyModels.Dense, type, torch.CPU, threads: 1);
        using var scope = torch.NewDisposeScope();
        torch.Tensor Tensor(float[] values, params long[] shape) => torch.tensor(values, shape).to_type(TorchTypes.ScalarTypeOf(type));
        var sum = Tensor(residual, 1, Width);
        var output = set.AddAndNormalize(sum, delta is null ? null : Tensor(delta, 1, Width), Tensor(weight, Width), 1e-5);
        return (Floats(sum), Floats(output));
    }

    private static float[] Floats(torch.Tensor tensor) => tensor.to_type(torch.ScalarType.Float32).data<float>().ToArray();

    private static float[] Random(Random random, double magnitude) =>
        [.. Enumerable.Range(0, Width).Select(_ => Round((float)(magnitude * ((2 * random.NextDouble()) - 1))))];

    /// <summary>To the nearest bfloat16, ties to even.</summary>
    private static float Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
