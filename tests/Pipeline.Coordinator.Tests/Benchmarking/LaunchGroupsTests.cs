using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class LaunchGroupsTests
{
    private static readonly IReadOnlyList<BenchmarkTest> Tests = new BenchmarkMatrix([512], [64], [0], [1, 4, 16], Weak: false).TestsFor(2);

    [Fact]
    public void Of_FixedThreads_UsesOnePipelineForTheLargestBatch()
    {
        var launch = Assert.Single(LaunchGroups.Of(Tests, Settings(threads: 3, "cpu")));
        Assert.Equal(Tests, launch.Tests);
        Assert.Equal((16, 2), (launch.Settings.MaxSequences, launch.Settings.Microbatches));
    }

    [Fact]
    public void Of_Gpu_UsesOnePipeline() => Assert.Single(LaunchGroups.Of(Tests, Settings(threads: 0, "cuda:0")));

    [Fact]
    public void Of_CpuThreadsByDefault_SeparatesTheLoneSequence()
    {
        var launches = LaunchGroups.Of(Tests, Settings(threads: 0, "cpu"));
        Assert.Equal(Environment.ProcessorCount == 1 ? 1 : 2, launches.Count);
        Assert.Equal(Tests.Order(Comparer<BenchmarkTest>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name))),
            launches.SelectMany(launch => launch.Tests).Order(Comparer<BenchmarkTest>.Create((a, b) => string.CompareOrdinal(a.Name, b.Name))));
        Assert.All(launches, launch => Assert.Single(launch.Tests.Select(test => PipelineLauncher.ThreadsPerStage(Settings(0, "cpu")(test.Batch, 0))).Distinct()));
    }

    [Fact]
    public void Of_BatchAboveTheLimit_SaysWhichOptionToRaise()
    {
        var resolve = Settings(threads: 3, "cpu");
        var error = Assert.Throws<UserErrorException>(() => LaunchGroups.Of(Tests, (sequences, longest) => resolve(sequences, longest) with { MaxSequences = 8 }));
        Assert.Contains("pp512 x16 has 16 sequences at the same time, the pipeline takes 8; raise --max-num-seqs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ContextTooShort_SaysWhichOptionToRaise()
    {
        var resolve = Settings(threads: 3, "cpu");
        var error = Assert.Throws<UserErrorException>(() => LaunchGroups.Of(Tests, (sequences, longest) => resolve(sequences, longest) with { MaxModelLength = 512 }));
        Assert.Contains("pp512 needs 513 positions for each sequence, the context ends at 512; raise --max-model-len", error.Message, StringComparison.Ordinal);
    }

    private static Func<int, int, PipelineSettings> Settings(int threads, string device)
    {
        Assert.True(KnownModels.TryGet("bench-125m", out var model));
        return (sequences, longest) => new PipelineSettings
        {
            Model = model!,
            ModelDirectory = "",
            Plan = ShardPlan.FromLayerCounts([6, 6]),
            Devices = [device],
            Threads = threads,
            Microbatches = MicrobatchCount.Choose(2, sequences, 1),
            MaxSequences = sequences,
            MaxBatchedTokens = 2048,
            MaxModelLength = longest,
            BlockSize = 16,
        };
    }
}
