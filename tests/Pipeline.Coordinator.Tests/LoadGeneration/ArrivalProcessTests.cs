using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class ArrivalProcessTests
{
    private const int Many = 20_000;

    [Fact]
    public void Milliseconds_InfiniteRate_AreAllZero() =>
        Assert.All(new ArrivalProcess(double.PositiveInfinity, 1, 1).Milliseconds(100), time => Assert.Equal(0, time));

    /// <summary>
    /// The mean of many gaps is one over the rate, whatever their shape, and their variation is one over the root of it: 1 for
    /// a Poisson process. Both within five standard errors, over fixed seeds.
    /// </summary>
    [Theory]
    [InlineData(4, 1, 0)]
    [InlineData(4, 1, 1)]
    [InlineData(250, 0.25, 2)]
    [InlineData(250, 0.5, 3)]
    [InlineData(0.5, 3, 4)]
    [InlineData(20, 50, 5)]
    public void Milliseconds_Gaps_HaveTheRateAndTheBurstiness(double rate, double burstiness, ulong seed)
    {
        var gaps = Gaps(new ArrivalProcess(rate, burstiness, seed));
        var mean = gaps.Average();
        var variation = Math.Sqrt(gaps.Sum(gap => (gap - mean) * (gap - mean)) / gaps.Length) / mean;
        var expectedVariation = 1 / Math.Sqrt(burstiness);
        Assert.InRange(mean * rate / 1000, 1 - (5 * expectedVariation / Math.Sqrt(Many)), 1 + (5 * expectedVariation / Math.Sqrt(Many)));
        Assert.InRange(variation / expectedVariation, 0.93, 1.07);
    }

    /// <summary>What is particular to Poisson: exp(-x) of the gaps are longer than x means.</summary>
    [Theory]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(3)]
    public void Milliseconds_Burstiness1_GapsAreExponential(double means)
    {
        var gaps = Gaps(new ArrivalProcess(10, 1, 7));
        Assert.InRange(gaps.Count(gap => gap > means * 100) / (double)gaps.Length, Math.Exp(-means) - 0.02, Math.Exp(-means) + 0.02);
    }

    [Fact]
    public void Milliseconds_SameSeed_AreTheSameAndOthersAreNot()
    {
        var process = new ArrivalProcess(5, 0.7, 11);
        Assert.Equal(process.Milliseconds(50), process.Milliseconds(50));
        Assert.NotEqual(process.Milliseconds(50), (process with { Seed = 12 }).Milliseconds(50));
        Assert.Equal(0, process.Milliseconds(1)[0]);
        Assert.Empty(process.Milliseconds(0));
    }

    private static double[] Gaps(ArrivalProcess process)
    {
        var times = process.Milliseconds(Many + 1);
        return [.. times.Zip(times.Skip(1), (earlier, later) => later - earlier)];
    }
}
