using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Tests.Stages;

/// <summary>Clocks compared through answers that take their time.</summary>
public class ClockComparisonTests
{
    /// <summary>A first answer takes long, and not the same time there and back: that must not move a clock that is the same.</summary>
    [Fact]
    public void OffsetOf_OneClock_IsNothing() => Assert.Equal(0, ClockComparison.OffsetOf([(0, 47_000_000, 48_000_000), (50_000_000, 50_000_100, 50_200_000)]));

    [Theory]
    [InlineData(5_000_000_000)]
    [InlineData(-5_000_000_000)]
    public void OffsetOf_AnotherHost_IsTheQuickestAnswers(long ahead)
    {
        var offset = ClockComparison.OffsetOf([(0, 47_000_000 + ahead, 48_000_000), (50_000_000, 50_100_000 + ahead, 50_200_000), (60_000_000, 60_900_000 + ahead, 61_000_000)]);
        Assert.Equal(-ahead, offset);
    }
}
