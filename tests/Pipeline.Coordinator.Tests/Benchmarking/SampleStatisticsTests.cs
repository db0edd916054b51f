using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class SampleStatisticsTests
{
    [Fact]
    public void Of_EightSamples_MatchesHandComputedValues()
    {
        // Deviations from 5: -3 -1 -1 -1 0 0 2 4; their squares sum to 32; 32 / 7 for a sample.
        var statistics = SampleStatistics.Of([2, 4, 4, 4, 5, 5, 7, 9]);
        Assert.Equal(5, statistics.Mean);
        Assert.Equal(Math.Sqrt(32.0 / 7), statistics.StandardDeviation, 12);
        Assert.Equal(4.5, statistics.Median);
        Assert.Equal(2, statistics.Minimum);
        Assert.Equal(9, statistics.Maximum);
    }

    [Fact]
    public void Of_OneSample_HasNoDeviation() =>
        Assert.Equal(new SampleStatistics(3.5, 0, 3.5, 3.5, 3.5), SampleStatistics.Of([3.5]));

    [Theory]
    [InlineData(0, 10)]
    [InlineData(25, 20)]
    [InlineData(50, 30)]
    [InlineData(90, 46)]
    [InlineData(99, 49.6)]
    [InlineData(100, 50)]
    public void Percentile_OfFiveUnorderedValues_InterpolatesBetweenRanks(double percent, double expected) =>
        Assert.Equal(expected, Percentile.Of([50, 10, 40, 20, 30], percent), 12);

    [Fact]
    public void Percentile_OfOneValue_IsThatValue() => Assert.Equal(7, Percentile.Of([7], 99));

    [Fact]
    public void Distribution_OfNothing_IsAbsent() => Assert.Null(Distribution.Of([]));
}
