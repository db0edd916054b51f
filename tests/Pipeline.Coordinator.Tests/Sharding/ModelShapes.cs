using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Tests.Sharding;

/// <summary>Shapes of released models, as published.</summary>
internal static class ModelShapes
{
    public static ModelConfig Mistral7B { get; } = new()
    {
        Name = "mistral-7b",
        HiddenSize = 4096,
        LayerCount = 32,
        HeadCount = 32,
        KvHeadCount = 8,
        HeadDim = 128,
        IntermediateSize = 14336,
        VocabularySize = 32000,
        NormEpsilon = 1e-5,
        RopeTheta = 1e4,
        WindowPattern = [4096],
        MaxPositions = 32768,
    };

    public static ModelConfig Mixtral8x7B { get; } = Mistral7B with { Name = "mixtral-8x7b", WindowPattern = [null], Moe = new MoeConfig(8, 2) };

    public static ModelConfig Mixtral8x22B { get; } = Mixtral8x7B with
    {
        Name = "mixtral-8x22b",
        HiddenSize = 6144,
        LayerCount = 56,
        HeadCount = 48,
        IntermediateSize = 16384,
        MaxPositions = 65536,
    };

    public static ModelConfig Nemo { get; } = Mistral7B with { Name = "nemo", HiddenSize = 5120, LayerCount = 40, VocabularySize = 131072, WindowPattern = [null] };

    public static ModelConfig Ministral8B { get; } = Mistral7B with
    {
        Name = "ministral-8b",
        LayerCount = 36,
        IntermediateSize = 12288,
        VocabularySize = 131072,
        WindowPattern = [null, 32768, 32768, 32768],
        MaxPositions = 131072,
    };

    /// <summary>Bytes of all weights in 16 bits, from the tables of the releases.</summary>
    public static TheoryData<string, long> PublishedBytes => new()
    {
        { Mistral7B.Name, 14_483_464_192 },
        { Mixtral8x7B.Name, 93_405_585_408 },
        { Mixtral8x22B.Name, 281_241_268_224 },
        { Nemo.Name, 24_495_564_800 },
        { Ministral8B.Name, 16_039_616_512 },
    };

    public static ModelConfig Named(string name) =>
        new[] { Mistral7B, Mixtral8x7B, Mixtral8x22B, Nemo, Ministral8B }.Single(config => config.Name == name);
}
