using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class LoadStatisticsTests
{
    /// <summary>Three that went well, a throttled one, two failures of one kind, one that the user ended, one never made.</summary>
    private static readonly RequestOutcome[] Outcomes =
    [
        Success(started: 1000, ended: 3000, output: 5, 1100, 1200, 1300, 1500),
        Success(started: 1000, ended: 2000, output: 2, 1300, 1900),
        Success(started: 3000, ended: 5000, output: 1, 3200),
        Failure(1500, 1600, new RequestFailure(FailureKind.Throttled, 429, "full", 3)),
        Failure(3000, 3100, new RequestFailure(FailureKind.HttpStatus, 500, "first")),
        Failure(3000, 3200, new RequestFailure(FailureKind.HttpStatus, 500, "second")),
        Failure(4000, 5000, new RequestFailure(FailureKind.Interrupted, null, "interrupted")),
    ];

    private static readonly LoadResult Result = LoadStatistics.Of(Outcomes, planned: 8, new ServiceLevel(250, 100, null), [50, 99.9]);

    [Fact]
    public void Of_Outcomes_CountsEachOnce()
    {
        Assert.Equal((3, 2, 1, 2), (Result.Successful, Result.Failed, Result.Throttled, Result.Unfinished));
        Assert.Equal(
            [new FailureCount(FailureKind.HttpStatus, 500, 2, "first", null), new FailureCount(FailureKind.Throttled, 429, 1, "full", 3)],
            Result.Failures);
    }

    [Fact]
    public void Of_Outcomes_HasRatesOfTheWholeRun()
    {
        Assert.Equal(4, Result.DurationSeconds);
        Assert.Equal((30, 8), (Result.InputTokens, Result.OutputTokens));
        Assert.Equal(0.75, Result.RequestsPerSecond);
        Assert.Equal(2, Result.OutputTokensPerSecond);
        Assert.Equal(38 / 4.0, Result.TotalTokensPerSecond);
        Assert.Equal(1, Result.CountedHere);
    }

    /// <summary>The first second has five tokens in four texts and two in two.</summary>
    [Fact]
    public void Of_Outcomes_HasThePeaks()
    {
        Assert.Equal(7, Result.PeakOutputTokensPerSecond, 9);
        Assert.Equal(3, Result.PeakConcurrency);
    }

    [Fact]
    public void Of_Outcomes_HasLatenciesOfSuccessfulRequestsOnly()
    {
        Assert.Equal(3, Result.Latencies[LatencyKind.Ttft]!.Count);
        Assert.Equal(200, Result.Latencies[LatencyKind.Ttft]!.Mean);
        Assert.Equal(200, Result.Latencies[LatencyKind.Ttft]!.Median);
        Assert.Equal(100, Result.Latencies[LatencyKind.Ttft]!.StandardDeviation);
        Assert.Equal([100.0, 600], LoadStatistics.Latencies(Outcomes, LatencyKind.Tpot));
        Assert.Equal([100.0, 100, 200, 600], LoadStatistics.Latencies(Outcomes, LatencyKind.Itl));
        Assert.Equal([500.0, 900, 200], LoadStatistics.Latencies(Outcomes, LatencyKind.E2el));
        Assert.Equal(["p50", "p99.9"], Result.Latencies[LatencyKind.E2el]!.Percentiles.Keys);
        Assert.Equal(500, Result.Latencies[LatencyKind.E2el]!.Percentiles["p50"]);
        Assert.Equal(500 + (0.998 * 400), Result.Latencies[LatencyKind.E2el]!.Percentiles["p99.9"], 9);
    }

    [Fact]
    public void Of_Outcomes_GoodputCountsWhatMeetsEveryLimit() => Assert.Equal(2 / 4.0, Result.GoodRequestsPerSecond);

    [Theory]
    [InlineData(100.0, null, null, true)]
    [InlineData(99.9, null, null, false)]
    [InlineData(null, 100.0, null, true)]
    [InlineData(null, 99.9, null, false)]
    [InlineData(null, null, 500.0, true)]
    [InlineData(null, null, 499.9, false)]
    [InlineData(1000.0, 1000.0, 499.9, false)]
    public void IsMetBy_EachLimit_IncludesItself(double? first, double? perToken, double? latency, bool expected) =>
        Assert.Equal(expected, new ServiceLevel(first, perToken, latency).IsMetBy(Outcomes[0]));

    [Fact]
    public void IsMetBy_FailureOrNothingVisible_IsNotGood()
    {
        var level = new ServiceLevel(null, null, 1000);
        Assert.False(level.IsMetBy(Outcomes[0] with { Failure = Outcomes[3].Failure }));
        Assert.False(level.IsMetBy(Success(0, 10, 1)));
        Assert.True(new ServiceLevel(null, 1, null).IsMetBy(Outcomes[2]));
    }

    [Fact]
    public void Of_NothingMeasured_HasNoLatenciesAndNoRates()
    {
        var nothing = LoadStatistics.Of([], planned: 3, null, [99]);
        Assert.Equal((0, 3, 0, 0.0, 0.0, 0), (nothing.Successful, nothing.Unfinished, nothing.Failed, nothing.RequestsPerSecond, nothing.PeakOutputTokensPerSecond, nothing.PeakConcurrency));
        Assert.Null(nothing.GoodRequestsPerSecond);
        Assert.All(nothing.Latencies.Values, Assert.Null);
        Assert.Equal(4, nothing.Latencies.Count);
    }

    [Fact]
    public void Concurrency_OneEndsWhenAnotherStarts_DoesNotCountBoth() => Assert.Equal(
        [(0.0, 1), (10.0, 0), (10.0, 1), (20.0, 0)], LoadStatistics.Concurrency([Success(0, 10, 1, 5), Success(10, 20, 1, 15)]));

    private static RequestOutcome Success(double started, double ended, int output, params double[] texts) =>
        new(started, texts, ended, InputTokens: 10, output, CountedByServer: output != 1, null);

    private static RequestOutcome Failure(double started, double ended, RequestFailure failure) => new(started, [], ended, 10, 0, false, failure);
}
