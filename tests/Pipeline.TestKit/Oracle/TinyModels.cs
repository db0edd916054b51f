using Pipeline.Shared.Models;

namespace Pipeline.TestKit.Oracle;

/// <summary>
/// Shapes chosen so that nothing hides: heads * head dim is not the hidden size, several query heads share a kv head, the
/// window is shorter than every test's sequence.
/// </summary>
public static class TinyModels
{
    public static ModelConfig Sparse { get; } = new()
    {
        Name = "tiny-sparse",
        HiddenSize = 48,
        LayerCount = 8,
        HeadCount = 4,
        KvHeadCount = 2,
        HeadDim = 16,
        IntermediateSize = 64,
        VocabularySize = 97,
        NormEpsilon = 1e-5,
        RopeTheta = 1e4,
        WindowPattern = [4],
        Moe = new MoeConfig(4, 2),
        MaxPositions = 128,
        WeightType = ElementType.Float32,
    };

    public static ModelConfig Dense { get; } = Sparse with { Name = "tiny-dense", Moe = null };

    /// <summary>Every fourth layer sees everything, as in Ministral.</summary>
    public static ModelConfig PerLayerWindows { get; } = Sparse with { Name = "tiny-per-layer", WindowPattern = [null, 4, 4, 4] };

    /// <summary>The shapes that the decoder as a whole is tested with.</summary>
    public static IReadOnlyList<ModelConfig> All { get; } =
    [
        Sparse,
        Dense,
        PerLayerWindows,
        Sparse with { Name = "tiny-full-attention", WindowPattern = [null] },
        Sparse with { Name = "tiny-top-1", Moe = new MoeConfig(4, 1) },
        Sparse with { Name = "tiny-all-experts", Moe = new MoeConfig(4, 4) },
        Dense with { Name = "tiny-tied", TiedEmbeddings = true },
    ];

    public static ModelConfig WithLayers(this ModelConfig config, int layers) => config with { LayerCount = layers };

    public static ModelConfig WithWindow(this ModelConfig config, int? window) => config with { WindowPattern = [window] };
}
