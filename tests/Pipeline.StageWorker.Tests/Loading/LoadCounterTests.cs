using Pipeline.StageWorker.Loading;

namespace Pipeline.StageWorker.Tests.Loading;

/// <summary>What is told of a load only ever grows, and ends at its total.</summary>
public class LoadCounterTests
{
    [Fact]
    public void Bytes_SecondAttempt_StandStillUntilItIsFurther()
    {
        var counter = new LoadCounter(100);
        counter.Begin(90);
        counter.Report(50);
        counter.Begin(90);
        Assert.Equal((50, 90), (counter.Bytes, counter.Total));
        counter.Report(40);
        Assert.Equal(50, counter.Bytes);
        counter.Report(40);
        Assert.Equal(80, counter.Bytes);
    }

    /// <summary>A weight that serves twice is read twice.</summary>
    [Fact]
    public void Bytes_MoreThanTheTotal_StayAtTheTotal()
    {
        var counter = new LoadCounter(100);
        counter.Begin(60);
        counter.Report(70);
        Assert.Equal(60, counter.Bytes);
    }

    [Fact]
    public void Report_FromManyThreads_LosesNothing()
    {
        var counter = new LoadCounter(long.MaxValue);
        Parallel.For(0, 10_000, _ => counter.Report(3));
        Assert.Equal(30_000, counter.Bytes);
    }
}
