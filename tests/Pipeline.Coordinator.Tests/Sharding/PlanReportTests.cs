using Pipeline.Coordinator.Sharding;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Sharding;

public class PlanReportTests
{
    private const long GiB = 1L << 30;

    [Fact]
    public void Of_Mixtral_AddsUp()
    {
        var report = Report(ModelShapes.Mixtral8x7B, [8, 8, 8, 8], memory: null);

        Assert.Equal(93_405_585_408, report.WeightBytes);
        Assert.Equal(report.WeightBytes, report.Stages.Sum(stage => stage.WeightBytes));
        Assert.Equal(131_072, report.Stages.Sum(stage => stage.KvBytesPerToken));
        Assert.Equal(1, report.Stages.Sum(stage => stage.WorkShare), 1e-12);
        Assert.Equal([true, false, false, false], report.Stages.Select(stage => stage.HoldsEmbedding));
        Assert.Equal([false, false, false, true], report.Stages.Select(stage => stage.HoldsHead));
        Assert.Null(report.Cache);
        Assert.All(report.Stages, stage => Assert.Null(stage.CacheTokens));
    }

    [Fact]
    public void Of_UnevenCut_NamesTheBusiestStage()
    {
        var report = Report(ModelShapes.Mixtral8x7B, [8, 10, 8, 6], memory: null);
        var work = report.Stages.Select(stage => (double)stage.WeightBytesPerToken).ToArray();

        Assert.Equal(1, report.BusiestStage);
        Assert.Equal(work.Max() / work.Average(), report.Imbalance, 1e-12);
    }

    [Fact]
    public void Of_WithMemory_TheFullestStageDecidesTheCache()
    {
        var report = Report(ModelShapes.Mixtral8x7B, [7, 7, 7, 11], memory: 80 * GiB);
        var cache = Assert.IsType<CacheReport>(report.Cache);

        Assert.Equal(3, cache.DecidingStage);
        Assert.Equal(report.Stages[3].CacheTokens, cache.Tokens);
        Assert.Equal(report.Stages.Min(stage => stage.CacheTokens), cache.Tokens);
        Assert.Equal((80 * GiB) - report.Stages[3].WeightBytes, report.Stages[3].FreeBytes);
        Assert.Equal(cache.Tokens / 32768d, cache.Sequences, 1e-9);
        Assert.True(cache.Fits);
    }

    [Fact]
    public void Of_TooLittleMemory_DoesNotFitAndBlamesTheWorstStage()
    {
        var cache = Report(ModelShapes.Mixtral8x7B, [10, 12, 10], memory: 20 * GiB).Cache!;

        Assert.False(cache.Fits);
        Assert.Equal(0, cache.Tokens);
        Assert.Equal(1, cache.DecidingStage);
    }

    private static PlanReport Report(ModelConfig config, int[] layers, long? memory) =>
        PlanReport.Of(config, ShardPlan.FromLayerCounts(layers), new CacheOptions(16, 2048, config.MaxPositions, ElementType.BFloat16), memory);
}
