using CsCheck;
using Pipeline.Shared.Models;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Random configurations of models that can exist: dense and sparse, windowed and not.</summary>
internal static class ModelGens
{
    public static Gen<ModelConfig> Config { get; } =
        from name in Gen.String
        from layers in Gen.Int[1, 64]
        from hidden in Gen.Int[1, 1 << 20]
        from intermediate in Gen.Int[1, 1 << 22]
        from vocabulary in Gen.Int[1, 1 << 24]
        from positions in Gen.Int[1, int.MaxValue]
        from kvHeads in Gen.Int[1, 64]
        from shared in Gen.Int[1, 16]
        from halfHead in Gen.Int[1, 256]
        from bos in Gen.Int
        from norm in Gen.Double[0, 0.99]
        from rope in Gen.Double[1e-300, 1e300]
        from windows in Gen.Int[1, int.MaxValue].Nullable().Array[1, 4]
        from moe in Gen.Select(Gen.Int[8, 256], Gen.Int[1, 8], (count, active) => new MoeConfig(count, active)).Null()
        from tied in Gen.Bool
        from stops in Gen.Int.Array[0, 3]
        from type in Gen.Enum<ElementType>()
        select new ModelConfig
        {
            Name = name,
            HiddenSize = hidden,
            LayerCount = layers,
            HeadCount = kvHeads * shared,
            KvHeadCount = kvHeads,
            HeadDim = 2 * halfHead,
            IntermediateSize = intermediate,
            VocabularySize = vocabulary,
            MaxPositions = positions,
            BosTokenId = bos,
            NormEpsilon = norm,
            RopeTheta = rope,
            WindowPattern = windows,
            Moe = moe,
            TiedEmbeddings = tied,
            EosTokenIds = stops,
            WeightType = type,
        };
}
