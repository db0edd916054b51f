using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class BenchmarkLaunchTests
{
    private static readonly IReadOnlyList<BenchmarkTest> Tests = new BenchmarkMatrix([512], [64], [0], [1, 4, 16], Weak: false).TestsFor(2);

    [Fact]
    public void Of_SeveralTests_HasRoomForTheLargestBatchAndTheLongestSequence()
    {
        var launch = BenchmarkLaunch.Of(Tests, Settings);
        Assert.Equal(Tests, launch.Tests);
        Assert.Equal((16, 2), (launch.Settings.MaxSequences, launch.Settings.Microbatches));
        Assert.Equal(Tests.Max(test => test.PromptLength + test.WantedTokens), launch.Settings.MaxModelLength);
    }

    [Fact]
    public void Of_BatchAboveTheLimit_SaysWhichOptionToRaise()
    {
        var error = Assert.Throws<UserErrorException>(() => BenchmarkLaunch.Of(Tests, (sequences, longest) => Settings(sequences, longest) with { MaxSequences = 8 }));
        Assert.Contains("pp512 x16 has 16 sequences at the same time, the pipeline takes 8; raise --max-num-seqs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ContextTooShort_SaysWhichOptionToRaise()
    {
        var error = Assert.Throws<UserErrorException>(() => BenchmarkLaunch.Of(Tests, (sequences, longest) => Settings(sequences, longest) with { MaxModelLength = 512 }));
        Assert.Contains("pp512 needs 513 positions for each sequence, the context ends at 512; raise --max-model-len", error.Message, StringComparison.Ordinal);
    }

    private static PipelineSettings Settings(int sequences, int longest)
    {
        Assert.True(KnownModels.TryGet("bench-125m", out var model));
        return new PipelineSettings
        {
            Model = model!,
            ModelDirectory = "",
            Plan = ShardPlan.FromLayerCounts([6, 6]),
            Microbatches = MicrobatchCount.Choose(2, sequences, 1),
            MaxSequences = sequences,
            MaxBatchedTokens = 2048,
            MaxModelLength = longest,
            BlockSize = 16,
        };
    }
}
