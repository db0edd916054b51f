using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class RotaryEmbeddingTests
{
    private const double Theta = 10_000;
    private const int BlockSize = 4;

    [Theory]
    [InlineData(4, 2, 16)]
    [InlineData(3, 3, 32)]
    [InlineData(8, 1, 64)]
    [InlineData(6, 2, 20)]
    public void RotateAndCache_OnEveryHost_MatchesComplexRotation(int heads, int kvHeads, int headDim)
    {
        var random = new Random(headDim);
        const int rows = 45;
        var qkv = random.Normal(rows * (heads + (2 * kvHeads)) * headDim);
        var positions = Enumerable.Range(0, rows).Select(_ => random.Next(131_072)).ToArray();
        var slots = Enumerable.Range(0, rows + 7).ToArray();
        random.Shuffle(slots);
        using var hosts = new KernelHosts();
        using var table = new RotaryTable(headDim, Theta);
        var actual = hosts.RunEverywhere(threads => Run(qkv, heads, kvHeads, positions, slots, table, threads));
        var expected = Reference(qkv, heads, kvHeads, headDim, positions, slots);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i] is double.NaN ? float.IsNaN(actual[i]) : Math.Abs(actual[i] - expected[i]) < 2e-6, $"element {i}: {actual[i]}, expected {expected[i]}");
        }
    }

    [Fact]
    public void Cover_GrowingStepByStep_GivesTheRowsOfOneLargeTable()
    {
        using var grown = new RotaryTable(32, 1e6);
        using var large = new RotaryTable(32, 1e6);
        large.Cover(9_999);
        foreach (var position in (int[])[0, 255, 256, 300, 5_000, 4_999, 9_999])
        {
            grown.Cover(position);
            for (var p = 0; p <= position; p += 97)
            {
                KernelAssert.SameBits(new Span<float>(large.Rows + (p * 32), 32), new Span<float>(grown.Rows + (p * 32), 32), $"position {p}");
            }
        }
    }

    [Fact]
    public void Rows_AtAFarPosition_AreTheDoubleAnglesRoundedOnce()
    {
        using var table = new RotaryTable(128, 1e6);
        table.Cover(131_071);
        for (var i = 0; i < 64; i++)
        {
            var angle = 131_071 * Math.Pow(1e6, -2.0 * i / 128);
            Assert.Equal((float)Math.Cos(angle), table.Rows[(131_071 * 128) + i]);
            Assert.Equal((float)Math.Sin(angle), table.Rows[(131_071 * 128) + 64 + i]);
        }
    }

    [Fact]
    public void Constructor_WithAnOddHead_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new RotaryTable(15, Theta));

    /// <summary>Queries, then the whole key cache, then the whole value cache.</summary>
    private static float[] Run(float[] qkv, int heads, int kvHeads, int[] positions, int[] slots, RotaryTable table, KernelThreads threads)
    {
        using var memory = new GuardedMemory();
        var querySize = positions.Length * heads * table.HeadDim;
        var cacheSize = slots.Length * kvHeads * table.HeadDim;
        var queries = memory.Poisoned(querySize);
        var cache = new KvCacheView
        {
            Keys = memory.Poisoned(cacheSize),
            Values = memory.Poisoned(cacheSize),
            BlockSize = BlockSize,
            KvHeads = kvHeads,
            HeadDim = table.HeadDim,
        };
        RotaryEmbedding.RotateAndCache(
            memory.Floats(qkv), positions.Length, heads, memory.Ints(positions), memory.Ints(slots), table, queries, cache, threads);
        return
        [
            .. GuardedMemory.Read(queries, querySize), .. GuardedMemory.Read(cache.Keys, cacheSize), .. GuardedMemory.Read(cache.Values, cacheSize),
        ];
    }

    private static double[] Reference(float[] qkv, int heads, int kvHeads, int headDim, int[] positions, int[] slots)
    {
        var rowSize = (heads + (2 * kvHeads)) * headDim;
        var (queries, cacheSize) = (positions.Length * heads * headDim, slots.Length * kvHeads * headDim);
        var expected = Enumerable.Repeat(double.NaN, queries + (2 * cacheSize)).ToArray();
        for (var row = 0; row < positions.Length; row++)
        {
            for (var i = 0; i < rowSize; i++)
            {
                var (head, d) = Math.DivRem(i, headDim);
                var kvOffset = ((slots[row] * kvHeads) + head - heads) * headDim;
                var target = head < heads ? (row * heads * headDim) + (head * headDim)
                    : head < heads + kvHeads ? queries + kvOffset
                    : queries + cacheSize + kvOffset - (kvHeads * headDim);
                var vector = qkv.AsSpan((row * rowSize) + (head * headDim), headDim);
                expected[target + d] = head < heads + kvHeads ? Rotated(vector, d, positions[row]) : vector[d];
            }
        }

        return expected;
    }

    private static double Rotated(ReadOnlySpan<float> vector, int d, int position)
    {
        var half = vector.Length / 2;
        var pair = d % half;
        var turn = System.Numerics.Complex.FromPolarCoordinates(1, position * Math.Pow(Theta, -2.0 * pair / vector.Length));
        var turned = new System.Numerics.Complex(vector[pair], vector[pair + half]) * turn;
        return d < half ? turned.Real : turned.Imaginary;
    }
}
