using System.Runtime.InteropServices;
using Pipeline.Model.CpuKernels;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class PackedLinearTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 33, 17)]
    [InlineData(2, 64, 512)]
    [InlineData(3, 31, 513)]
    [InlineData(5, 100, 40)]
    [InlineData(11, 7, 1030)]
    [InlineData(13, 96, 200)]
    [InlineData(37, 65, 127)]
    [InlineData(70, 45, 600)]
    public void Multiply_OnOddShapes_MatchesDoublePrecisionOnEveryHost(int rows, int outputs, int inputs)
    {
        var random = new Random((rows * 31) + outputs);
        var (x, w) = (random.Normal((long)rows * inputs), random.Normal((long)outputs * inputs));
        using var linear = Pack(w, outputs, inputs);
        using var hosts = new KernelHosts();
        var actual = hosts.RunEverywhere(threads => Multiply(linear, x, rows, threads));
        var (expected, magnitude) = Reference(x, w, rows, outputs, inputs);
        KernelAssert.Close(expected, magnitude, actual, 5e-7, $"{rows} x {outputs} x {inputs}");
    }

    [Fact]
    public void Multiply_OfRowsTogether_HasTheBitsOfEachRowAlone()
    {
        const int outputs = 75, inputs = 700;
        var random = new Random(5);
        using var linear = Pack(random.Normal(outputs * inputs), outputs, inputs);
        using var threads = new KernelThreads(1);
        for (var rows = 1; rows <= 70; rows++)
        {
            var x = random.Normal(rows * inputs);
            var together = Multiply(linear, x, rows, threads);
            for (var row = 0; row < rows; row++)
            {
                var alone = Multiply(linear, x[(row * inputs)..((row + 1) * inputs)], 1, threads);
                KernelAssert.SameBits(alone, together.AsSpan(row * outputs, outputs), $"row {row} of {rows}");
            }
        }
    }

    [Fact]
    public void Multiply_OfMoreRowsThanABlock_HasTheBitsOfChunks()
    {
        const int rows = (2 * LinearProduct.RowBlock) + 5, outputs = 40, inputs = 33;
        var random = new Random(6);
        var x = random.Normal(rows * inputs);
        using var linear = Pack(random.Normal(outputs * inputs), outputs, inputs);
        using var hosts = new KernelHosts();
        var together = hosts.RunEverywhere(threads => Multiply(linear, x, rows, threads));
        var chunks = x.Chunk(inputs * 77).SelectMany(chunk => Multiply(linear, chunk, chunk.Length / inputs, hosts.One)).ToArray();
        KernelAssert.SameBits(chunks, together, "chunks of 77 rows");
    }

    [Fact]
    public void Multiply_BesideARowOfNaN_IsUntouchedByIt()
    {
        const int rows = 14, outputs = 33, inputs = 20;
        var random = new Random(7);
        var x = random.Normal(rows * inputs);
        using var linear = Pack(random.Normal(outputs * inputs), outputs, inputs);
        using var threads = new KernelThreads(1);
        var clean = Multiply(linear, x, rows, threads);
        x.AsSpan(5 * inputs, inputs).Fill(float.NaN);
        var poisoned = Multiply(linear, x, rows, threads);
        Assert.All(poisoned[(5 * outputs)..(6 * outputs)], value => Assert.True(float.IsNaN(value)));
        KernelAssert.SameBits(clean.AsSpan(0, 5 * outputs), poisoned.AsSpan(0, 5 * outputs), "rows before");
        KernelAssert.SameBits(clean.AsSpan(6 * outputs), poisoned.AsSpan(6 * outputs), "rows after");
    }

    [Fact]
    public void Multiply_ByStackedMatrices_EqualsTheirSingleProducts()
    {
        const int inputs = 48;
        var random = new Random(8);
        int[] heights = [19, 1, 45, 32];
        var parts = heights.Select(height => random.Normal(height * inputs)).ToArray();
        using var stacked = Stack(heights, parts, inputs);
        using var threads = new KernelThreads(1);
        var x = random.Normal(inputs);
        var expected = heights.Zip(parts).SelectMany(part =>
        {
            using var single = Pack(part.Second, part.First, inputs);
            return Multiply(single, x, 1, threads);
        });
        KernelAssert.SameBits(expected.ToArray(), Multiply(stacked, x, 1, threads), "stacked");
    }

    [Fact]
    public void Multiply_OnceWarm_AllocatesNothing()
    {
        const int rows = 30, outputs = 300, inputs = 256;
        var random = new Random(9);
        using var linear = Pack(random.Normal(outputs * inputs), outputs, inputs);
        using var memory = new GuardedMemory();
        using var threads = new KernelThreads(2);
        var x = memory.Floats(random.Normal(rows * inputs));
        var y = memory.Poisoned(rows * outputs);
        KernelAssert.AllocatesNothing(() =>
        {
            linear.Multiply(x, rows, y, threads);
            linear.Multiply(x, 1, y, threads);
        });
    }

    [Fact]
    public void Multiply_AfterDispose_IsRefused()
    {
        var linear = Pack(new float[4], 2, 2);
        linear.Dispose();
        using var threads = new KernelThreads(1);
        Assert.Throws<ObjectDisposedException>(() => Multiply(linear, [1, 2], 1, threads));
    }

    internal static PackedLinear Pack(float[] weight, int outputs, int inputs)
    {
        using var builder = new PackedLinearBuilder(outputs, inputs);
        return builder.SetRows(0, MemoryMarshal.AsBytes(weight.AsSpan()), ElementType.Float32, outputs).Build();
    }

    private static PackedLinear Stack(int[] heights, float[][] parts, int inputs)
    {
        using var builder = new PackedLinearBuilder(heights.Sum(), inputs);
        for (var i = heights.Length - 1; i >= 0; i--)
        {
            builder.SetRows(heights[..i].Sum(), MemoryMarshal.AsBytes(parts[i].AsSpan()), ElementType.Float32, heights[i]);
        }

        return builder.Build();
    }

    private static float[] Multiply(PackedLinear linear, float[] input, int rows, KernelThreads threads)
    {
        using var memory = new GuardedMemory();
        var output = memory.Poisoned(rows * linear.Outputs);
        linear.Multiply(memory.Floats(input), rows, output, threads);
        return GuardedMemory.Read(output, rows * linear.Outputs);
    }

    private static (double[] Expected, double[] Magnitude) Reference(float[] x, float[] w, int rows, int outputs, int inputs)
    {
        var (expected, magnitude) = (new double[rows * outputs], new double[rows * outputs]);
        for (var i = 0; i < expected.Length; i++)
        {
            var (row, column) = Math.DivRem(i, outputs);
            for (var k = 0; k < inputs; k++)
            {
                var product = (double)x[(row * inputs) + k] * w[(column * inputs) + k];
                expected[i] += product;
                magnitude[i] += Math.Abs(product);
            }
        }

        return (expected, magnitude);
    }
}
