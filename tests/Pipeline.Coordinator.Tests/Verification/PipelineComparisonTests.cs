using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Tests.Verification;

public class PipelineComparisonTests
{
    private static readonly CaseComparison Good = new("case0", new LogitDifference(0, 0, 1, 1), true, 4, 4, null, true);
    private static readonly CaseComparison Near = new("case1", new LogitDifference(2, 1, 1, 1.5f), false, 4, 4, null, true);
    private static readonly CaseComparison Excused = new("case2", new LogitDifference(0, 0, 1, 1), false, 1, 4, new TokenMismatch(1, 2, 3, 0, true), true);
    private static readonly CaseComparison Bad = new("case3", new LogitDifference(0, 0, 1, 9), false, 2, 4, new TokenMismatch(2, 2, 3, 1, false), false);
    private static readonly CaseComparison NoNumber = new("case4", new LogitDifference(0, 0, 1, float.NaN), false, 4, 4, null, false);

    [Fact]
    public void Of_CasesThatPass_AddsUpAndPasses()
    {
        var row = Of(Good, Near, Excused);

        Assert.True(row is { Passed: true, IdenticalBits: false, GreedyMatches: 9, GreedyTokens: 12, NotCompared: 2, LargestDifference: 0.5f, Failures: [] });
        Assert.Equal([Excused], row.Excused);
    }

    [Fact]
    public void Of_OneCaseThatFails_FailsAndNamesIt()
    {
        var row = Of(Good, Bad, Excused);

        Assert.True(row is { Passed: false, LargestDifference: 8 });
        Assert.Equal([Bad], row.Failures);
        Assert.Equal([Excused], row.Excused);
    }

    [Fact]
    public void Of_OnlyIdenticalCases_IsIdentical() => Assert.True(Of(Good, Good).IdenticalBits);

    [Fact]
    public void Of_NaNAmongTheDifferences_IsTheLargestInAnyOrder()
    {
        Assert.True(float.IsNaN(Of(NoNumber, Bad).LargestDifference));
        Assert.True(float.IsNaN(Of(Bad, NoNumber, Good).LargestDifference));
    }

    /// <summary>Of all positions of all cases, however they fall to them; far off ones, if they are fewer, do not count.</summary>
    [Fact]
    public void Of_TypicalPosition_IsTheMedianOfAllPositions()
    {
        Assert.True(Typically(0.02f, [0.01f, 9], [0.02f, 0.01f, 5]) is { Passed: true, TypicalDifference: 0.02f });
        Assert.True(Typically(0.019f, [0.01f, 9], [0.02f, 0.01f, 5]) is { Passed: false, TypicalDifference: 0.02f, Failures: [] });
        Assert.True(Typically(1, [0.01f], [float.NaN, 0.01f]) is { Passed: false, TypicalDifference: float.NaN });
    }

    /// <summary>Where every logit is held to the tolerance, shares are told and not judged.</summary>
    [Fact]
    public void Of_EveryLogit_DoesNotJudgeShares() => Assert.True(Of(Good with { Shares = [9, 9] }) is { Passed: true, TypicalDifference: 9 });

    private static PipelineComparison Typically(float share, params float[][] cases) =>
        PipelineComparison.Of(2, new ChunkSize(7), 7, 2, [.. cases.Select(shares => Near with { Shares = shares })], Tolerance.OfTheTypicalPosition(share));

    private static PipelineComparison Of(params CaseComparison[] cases) => PipelineComparison.Of(2, new ChunkSize(7), 7, 2, cases, Tolerance.None);
}
