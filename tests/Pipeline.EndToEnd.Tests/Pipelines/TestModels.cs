using Pipeline.Shared.Models;

namespace Pipeline.EndToEnd.Tests.Pipelines;

/// <summary>Shapes without a checkpoint, for dummy weights.</summary>
internal static class TestModels
{
    /// <summary>Hidden states as wide as those of a 7B model, and next to no computation.</summary>
    public static ModelConfig Wide { get; } = new()
    {
        Name = "wide",
        HiddenSize = 4096,
        LayerCount = 2,
        HeadCount = 1,
        KvHeadCount = 1,
        HeadDim = 16,
        IntermediateSize = 32,
        VocabularySize = 64,
        NormEpsilon = 1e-5,
        RopeTheta = 1e4,
        WindowPattern = [null],
        MaxPositions = 4096,
        WeightType = ElementType.Float32,
    };

    /// <summary>Takes seconds to load.</summary>
    public static ModelConfig Slow { get; } = Wide with { Name = "slow", HiddenSize = 2048, LayerCount = 16, IntermediateSize = 4096 };
}
