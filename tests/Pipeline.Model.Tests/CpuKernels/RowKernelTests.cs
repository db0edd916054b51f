using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

/// <summary>The kernels that work on each row by itself: norms, gated activation, additions, gathers.</summary>
public unsafe class RowKernelTests
{
    private const float Epsilon = 1e-5f;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 15)]
    [InlineData(2, 16)]
    [InlineData(70, 193)]
    [InlineData(5, 4096)]
    public void Normalize_OnOddSizes_MatchesDoublePrecisionOnEveryHost(int rows, int size)
    {
        var random = new Random(size);
        var (x, weight) = (random.Normal(rows * size, 0.01f), random.Normal(size));
        using var hosts = new KernelHosts();
        var actual = hosts.RunEverywhere(threads => Normalize(x, null, weight, rows, threads).Output);
        var expected = ReferenceNorm(x, weight, rows);
        KernelAssert.Close(expected, [.. expected.Select(Math.Abs)], actual, 1e-6, "norm");
    }

    [Theory]
    [InlineData(1, 17)]
    [InlineData(33, 192)]
    public void AddAndNormalize_OnAnyHost_IsTheAdditionThenTheNorm(int rows, int size)
    {
        var random = new Random(size);
        var (x, delta, weight) = (random.Normal(rows * size), random.Normal(rows * size), random.Normal(size));
        var sum = x.Zip(delta, (a, b) => a + b).ToArray();
        using var hosts = new KernelHosts();
        var expected = Normalize(sum, null, weight, rows, hosts.One).Output;
        KernelAssert.SameBits(expected, hosts.RunEverywhere(threads => Normalize(x, delta, weight, rows, threads).Output), "norm");
        KernelAssert.SameBits(sum, hosts.RunEverywhere(threads => Normalize(x, delta, weight, rows, threads).Residual), "residual");
    }

    [Fact]
    public void Normalize_OfRowsTogether_HasTheBitsOfEachRowAlone()
    {
        const int rows = 40, size = 300;
        var random = new Random(11);
        var (x, weight) = (random.Normal(rows * size), random.Normal(size));
        using var threads = new KernelThreads(2);
        var together = Normalize(x, null, weight, rows, threads).Output;
        var alone = x.Chunk(size).SelectMany(row => Normalize(row, null, weight, 1, threads).Output).ToArray();
        KernelAssert.SameBits(alone, together, "rows");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 17)]
    [InlineData(70, 256)]
    public void SwiGlu_OnOddSizes_MatchesDoublePrecisionOnEveryHost(int rows, int size)
    {
        var random = new Random(size);
        var gateUp = random.Normal(rows * 2 * size, 10);
        using var hosts = new KernelHosts();
        var actual = hosts.RunEverywhere(threads => ApplySwiGlu(gateUp, rows, size, threads));
        var expected = gateUp.Chunk(2 * size).SelectMany(row => row.Take(size).Zip(row.Skip(size), (gate, up) => Silu(gate) * up)).ToArray();
        KernelAssert.Close(expected, [.. expected.Select(value => Math.Abs(value) + 1e-30)], actual, 5e-7, "swiglu");
    }

    [Fact]
    public void SwiGlu_AtExtremeGates_NeitherOverflowsNorHidesNaN()
    {
        using var threads = new KernelThreads(1);
        float[] gates = [200, -200, 1e30f, -1e30f, float.NaN, 0];
        var actual = ApplySwiGlu([.. gates, 1, 1, 1, 1, 1, 1], 1, 6, threads);
        Assert.Equal([200, -0f, 1e30f, -0f, float.NaN, 0], actual);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(100_003)]
    public void Add_OfAnyLength_AddsEachElementOnEveryHost(int count)
    {
        var random = new Random(count);
        var (target, delta) = (random.Normal(count), random.Normal(count));
        using var hosts = new KernelHosts();
        var actual = hosts.RunEverywhere(threads =>
        {
            using var memory = new GuardedMemory();
            var sum = memory.Floats(target);
            Elementwise.Add(sum, memory.Floats(delta), count, threads);
            return GuardedMemory.Read(sum, count);
        });
        KernelAssert.SameBits(target.Zip(delta, (a, b) => a + b).ToArray(), actual, "sum");
    }

    [Fact]
    public void GatherRows_WithRepeatedIds_CopiesEachNamedRow()
    {
        const int width = 37, count = 900;
        var random = new Random(12);
        var table = random.Normal(50 * width);
        var ids = Enumerable.Range(0, count).Select(_ => random.Next(50)).ToArray();
        using var memory = new GuardedMemory();
        using var threads = new KernelThreads(3);
        var output = memory.Poisoned(count * width);
        Elementwise.GatherRows(memory.Floats(table), memory.Ints(ids), count, width, output, threads);
        Assert.Equal(ids.SelectMany(id => table.Skip(id * width).Take(width)), GuardedMemory.Read(output, count * width));
    }

    private static (float[] Output, float[] Residual) Normalize(float[] x, float[]? delta, float[] weight, int rows, KernelThreads threads)
    {
        using var memory = new GuardedMemory();
        var input = memory.Floats(x);
        var output = memory.Poisoned(x.Length);
        if (delta is null)
        {
            RmsNorm.Normalize(input, memory.Floats(weight), Epsilon, rows, weight.Length, output, threads);
        }
        else
        {
            RmsNorm.AddAndNormalize(input, memory.Floats(delta), memory.Floats(weight), Epsilon, rows, weight.Length, output, threads);
        }

        return (GuardedMemory.Read(output, x.Length), GuardedMemory.Read(input, x.Length));
    }

    private static float[] ApplySwiGlu(float[] gateUp, int rows, int size, KernelThreads threads)
    {
        using var memory = new GuardedMemory();
        var output = memory.Poisoned(rows * size);
        SwiGlu.Apply(memory.Floats(gateUp), rows, size, output, threads);
        return GuardedMemory.Read(output, rows * size);
    }

    private static double[] ReferenceNorm(float[] x, float[] weight, int rows) =>
    [
        .. x.Chunk(x.Length / rows).SelectMany(row =>
        {
            var scale = 1 / Math.Sqrt(row.Average(value => (double)value * value) + Epsilon);
            return row.Zip(weight, (value, w) => value * scale * w);
        }),
    ];

    private static double Silu(double x) => x / (1 + Math.Exp(-x));
}
