using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.Tests.CpuKernels.Lanes;

public unsafe class LanesTests
{
    /// <summary>Values that tell orders of addition apart, with the special ones in changing places.</summary>
    private static readonly float[] Specials = [0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, 1e30f, -1e-30f];

    [Fact]
    public void EveryOperation_OnRandomAndSpecialValues_IsTheSameOnAllWidths()
    {
        var random = new Random(2);
        for (var round = 0; round < 300; round++)
        {
            using var memory = new GuardedMemory();
            var a = memory.Floats(Values(random, round));
            var b = memory.Floats(Values(random, round));
            var c = memory.Floats(Values(random, round));
            var expected = Results<LanesScalar>(a, b, c);
            Assert.Equal(expected, Results<Lanes256>(a, b, c));
            Assert.Equal(expected, Results<Lanes512>(a, b, c));
        }
    }

    [Fact]
    public void StoreSums_OfFourValues_EqualsTheirSums()
    {
        var random = new Random(3);
        using var memory = new GuardedMemory();
        var source = memory.Floats(random.Normal(64, 100));
        var sums = memory.Poisoned(4);
        Lanes512.StoreSums(Lanes512.Load(source), Lanes512.Load(source + 16), Lanes512.Load(source + 32), Lanes512.Load(source + 48), sums);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(LanesScalar.Sum(LanesScalar.Load(source + (16 * i))), sums[i]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    public void PartialLanes_OfARowsEnd_LoadZerosBeyondAndStoreNothingThere(int count)
    {
        using var memory = new GuardedMemory();
        var source = memory.Floats(new Random(4).Normal(count));
        var loaded = memory.Poisoned(16);
        var stored = memory.Poisoned(16);
        Lanes512.Store(PartialLanes.Load<Lanes512>(source, count), loaded);
        PartialLanes.Store(Lanes512.Load(loaded), stored, count);
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(i < count ? source[i] : 0, loaded[i]);
            Assert.Equal(i < count ? source[i] : float.NaN, stored[i]);
        }
    }

    private static float[] Values(Random random, int round)
    {
        var values = random.Normal(LaneCount.Value, 1000);
        if (round % 2 == 1)
        {
            values[random.Next(values.Length)] = random.Pick<float>(Specials);
            values[random.Next(values.Length)] = random.Pick<float>(Specials);
        }

        return values;
    }

    private static int[] Results<TLanes>(float* a, float* b, float* c)
        where TLanes : struct, ILanes<TLanes>
    {
        var (x, y, z) = (TLanes.Load(a), TLanes.Load(b), TLanes.Load(c));
        var sums = stackalloc float[4];
        TLanes.StoreSums(x, y, z, TLanes.Add(x, y), sums);
        float[] results =
        [
            .. Stored(TLanes.Add(x, y)), .. Stored(TLanes.Subtract(x, y)), .. Stored(TLanes.Multiply(x, y)), .. Stored(TLanes.Divide(x, y)),
            .. Stored(TLanes.FusedMultiplyAdd(x, y, z)), .. Stored(TLanes.Max(x, y)), .. Stored(TLanes.SelectLess(x, y, z, x)),
            .. Stored(LaneExp.Exp(x)), TLanes.Sum(x), TLanes.Maximum(x), .. new ReadOnlySpan<float>(sums, 4),
        ];

        // Which of several NaNs comes out is the hardware's choice; that it is a NaN is ours.
        return [.. results.Select(result => float.IsNaN(result) ? int.MinValue : BitConverter.SingleToInt32Bits(result))];
    }

    private static float[] Stored<TLanes>(TLanes value)
        where TLanes : struct, ILanes<TLanes>
    {
        var lanes = stackalloc float[LaneCount.Value];
        TLanes.Store(value, lanes);
        return GuardedMemory.Read(lanes, LaneCount.Value);
    }
}
