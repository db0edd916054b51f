using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Stages;

/// <summary>Who shares a device shares its memory; a GPU keeps a share of the whole, a host a share of what is free.</summary>
public class CacheBudgetTests
{
    private const long Gigabyte = 1L << 30;

    private static readonly PipelineSettings Settings = new()
    {
        Model = ModelConfigFile.Read(Fixtures.TinyMixtral).Config,
        ModelDirectory = Fixtures.TinyMixtral,
        Plan = ShardPlan.FromLayerCounts([4, 4]),
        Microbatches = 1,
        MaxSequences = 1,
        MaxBatchedTokens = 16,
        MaxModelLength = 64,
        BlockSize = 16,
    };

    [Fact]
    public void Of_GpusOfTheirOwn_KeepATenthOfAllTheirMemory() =>
        Assert.Equal(
            [(60 - 8) * Gigabyte, (50 - 8) * Gigabyte],
            CacheBudget.Of(Settings, [new("cuda:0", true, 60 * Gigabyte, 80 * Gigabyte), new("cuda:1", true, 50 * Gigabyte, 80 * Gigabyte)]));

    [Fact]
    public void Of_LocalStagesOnOneGpu_ShareWhatTheLastToLoadFoundFree() =>
        Assert.Equal(
            [21 * Gigabyte, 21 * Gigabyte],
            CacheBudget.Of(Settings, [new("cuda:0", true, 70 * Gigabyte, 80 * Gigabyte), new("cuda:0", true, 50 * Gigabyte, 80 * Gigabyte)]));

    [Fact]
    public void Of_RemoteStages_DoNotShareThoughTheirDevicesHaveOneName() =>
        Assert.Equal(
            [62 * Gigabyte, 42 * Gigabyte],
            CacheBudget.Of(Settings, [new("cuda:0", false, 70 * Gigabyte, 80 * Gigabyte), new("cuda:0", false, 50 * Gigabyte, 80 * Gigabyte)]));

    [Fact]
    public void Of_LocalStagesOnTheCpu_ShareFourFifthsOfWhatIsFree() =>
        Assert.Equal(
            [8 * Gigabyte, 8 * Gigabyte],
            CacheBudget.Of(Settings, [new("cpu", true, 21 * Gigabyte, 32 * Gigabyte), new("cpu", true, 20 * Gigabyte, 32 * Gigabyte)]));

    [Fact]
    public void Of_FullGpu_IsNothing() =>
        Assert.Equal([0L], CacheBudget.Of(Settings, [new("cuda:0", true, Gigabyte, 80 * Gigabyte)]));

    [Fact]
    public void Of_HigherUtilization_LeavesLess() =>
        Assert.Equal([60 * Gigabyte], CacheBudget.Of(Settings with { GpuMemoryUtilization = 1 }, [new("cuda:0", true, 60 * Gigabyte, 80 * Gigabyte)]));

    [Fact]
    public void Of_SizeByTheUser_CountsAsItIs() =>
        Assert.Equal([123L, 123L], CacheBudget.Of(Settings with { CacheBytesPerStage = 123 }, [new("cpu", true, 1, 1), new("cuda:0", true, 1, 1)]));
}
