using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Tests.Serving;

namespace Pipeline.Coordinator.Tests.Stages;

public class LoadPaceTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Report_TwiceOrMore_TellsPaceAndRest()
    {
        var pace = new LoadPace(_clock);
        Assert.Null(pace.Left);
        _clock.Advance(TimeSpan.FromSeconds(100)); // workers start, nothing is read
        pace.Report(50, 1000);
        Assert.Equal((0, null), (pace.BytesPerSecond, pace.Left));
        _clock.Advance(TimeSpan.FromSeconds(2));
        pace.Report(250, 1000);
        Assert.Equal((100, TimeSpan.FromSeconds(7.5)), (pace.BytesPerSecond, pace.Left));
        _clock.Advance(TimeSpan.FromSeconds(6));
        pace.Report(450, 1000);
        Assert.Equal((50, TimeSpan.FromSeconds(11)), (pace.BytesPerSecond, pace.Left));
    }

    [Fact]
    public void Report_FewerBytes_BeginsAnew()
    {
        var pace = new LoadPace(_clock);
        pace.Report(0, 1000);
        _clock.Advance(TimeSpan.FromSeconds(1));
        pace.Report(1000, 1000);
        _clock.Advance(TimeSpan.FromSeconds(50));
        pace.Report(10, 1000);
        _clock.Advance(TimeSpan.FromSeconds(1));
        pace.Report(100, 1000);
        Assert.Equal((90, TimeSpan.FromSeconds(10)), (pace.BytesPerSecond, pace.Left));
    }
}
