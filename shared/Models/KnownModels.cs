using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Pipeline.Shared.Models;

/// <summary>Shapes of released models by name, for planning and for runs with dummy weights: no file needed.</summary>
public static class KnownModels
{
    private static readonly ModelConfig Mistral7B = new()
    {
        Name = "mistral-7b-v0.1",
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

    private static readonly ModelConfig Mixtral8x22B = Mistral7B with
    {
        Name = "mixtral-8x22b",
        HiddenSize = 6144,
        LayerCount = 56,
        HeadCount = 48,
        IntermediateSize = 16384,
        RopeTheta = 1e6,
        WindowPattern = [null],
        Moe = new MoeConfig(ExpertCount: 8, ExpertsPerToken: 2),
        MaxPositions = 65536,
    };

    private static readonly ModelConfig MistralNemo12B = Mistral7B with
    {
        Name = "mistral-nemo-12b",
        HiddenSize = 5120,
        LayerCount = 40,
        VocabularySize = 131072,
        RopeTheta = 1e6,
        WindowPattern = [null],
        MaxPositions = 128000,
    };

    private static readonly ModelConfig[] All =
    [
        Mistral7B,
        Mistral7B with { Name = "mistral-7b-v0.2", RopeTheta = 1e6, WindowPattern = [null] },
        Mistral7B with { Name = "mistral-7b-v0.3", RopeTheta = 1e6, WindowPattern = [null], VocabularySize = 32768 },
        Mistral7B with { Name = "mixtral-8x7b", RopeTheta = 1e6, WindowPattern = [null], Moe = new MoeConfig(8, 2) },
        Mixtral8x22B,
        MistralNemo12B,
        Mixtral8x22B with { Name = "mistral-small-22b", Moe = null, VocabularySize = 32768, MaxPositions = 32768 },
        MistralNemo12B with { Name = "mistral-small-24b", IntermediateSize = 32768, RopeTheta = 1e8, MaxPositions = 32768 },
        MistralNemo12B with
        {
            Name = "ministral-8b",
            HiddenSize = 4096,
            LayerCount = 36,
            IntermediateSize = 12288,
            RopeTheta = 1e8,
            WindowPattern = [null, 32768, 32768, 32768],
            MaxPositions = 131072,
        },
        Mistral7B with
        {
            Name = "mistral-large-2",
            HiddenSize = 12288,
            LayerCount = 88,
            HeadCount = 96,
            IntermediateSize = 28672,
            VocabularySize = 32768,
            RopeTheta = 1e6,
            WindowPattern = [null],
            MaxPositions = 131072,
        },
        Mistral7B with
        {
            Name = "bench-125m",
            HiddenSize = 768,
            LayerCount = 12,
            HeadCount = 12,
            KvHeadCount = 4,
            HeadDim = 64,
            IntermediateSize = 2048,
            WindowPattern = [null],
            RopeTheta = 1e6,
            MaxPositions = 4096,
        },
    ];

    private static readonly FrozenDictionary<string, ModelConfig> ByName =
        All.ToFrozenDictionary(config => config.Name, StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(config => config.Name)];

    public static bool TryGet(string name, [NotNullWhen(true)] out ModelConfig? config) => ByName.TryGetValue(name, out config);
}
