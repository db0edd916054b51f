using Pipeline.Shared.Models;

namespace Pipeline.Shared.Tests.Models;

public class KnownModelsTests
{
    [Fact]
    public void Names_AreThoseThatPeopleKnow() => Assert.Equal(
        [
            "mistral-7b-v0.1", "mistral-7b-v0.2", "mistral-7b-v0.3", "mixtral-8x7b", "mixtral-8x22b", "mistral-nemo-12b",
            "mistral-small-22b", "mistral-small-24b", "ministral-8b", "mistral-large-2", "bench-125m",
        ],
        KnownModels.Names);

    [Fact]
    public void TryGet_Bench_IsTheStatedShape()
    {
        Assert.True(KnownModels.TryGet("BENCH-125m", out var config));
        Assert.Equal((12, 768, 12, 4, 64), (config.LayerCount, config.HiddenSize, config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal((2048, 32000, 4096), (config.IntermediateSize, config.VocabularySize, config.MaxPositions));
        Assert.Equal([null], config.WindowPattern);
    }

    [Fact]
    public void TryGet_UnknownName_IsFalse() => Assert.False(KnownModels.TryGet("gpt-2", out _));
}
