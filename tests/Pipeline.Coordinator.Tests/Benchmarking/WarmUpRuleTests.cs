using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class WarmUpRuleTests
{
    [Theory]
    [InlineData(0, "", 0, true)]
    [InlineData(1, "", 0, false)]
    [InlineData(1, "100", 0.1, false)]
    [InlineData(1, "100", 60, true)]
    [InlineData(1, "100,150", 0.1, false)]
    [InlineData(1, "100,104", 0.1, true)]
    [InlineData(1, "100,90", 0.1, true)]
    [InlineData(1, "100,150,153", 0.1, true)]
    [InlineData(1, "100,150,160", 0.1, false)]
    [InlineData(1, "100,150,160", 4, true)]
    [InlineData(3, "100,100", 60, false)]
    [InlineData(3, "100,100,100", 0.1, true)]
    public void IsOver_ByRatesAndTime_GoesOnWhileItGetsFaster(int minimum, string rates, double seconds, bool expected) => Assert.Equal(
        expected,
        new WarmUpRule(minimum).IsOver(
            [.. rates.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(rate => double.Parse(rate, System.Globalization.CultureInfo.InvariantCulture))], TimeSpan.FromSeconds(seconds)));
}
