using CsCheck;
using Pipeline.Shared.Models;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Random model configurations: dense and sparse, windowed and not.</summary>
internal static class ModelGens
{
    public static Gen<ModelConfig> Config { get; } =
        from name in Gen.String
        from layers in Gen.Int[1, 64]
        from sizes in Gen.Int.Array[8]
        from norm in Gen.Double
        from rope in Gen.Double
        from windows in Gen.Int[1, int.MaxValue].Nullable().Array[1, 4]
        from moe in Gen.Select(Gen.Int[1, 256], Gen.Int[1, 8], (count, active) => new MoeConfig(count, active)).Null()
        from tied in Gen.Bool
        from stops in Gen.Int.Array[0, 3]
        from type in Gen.Enum<ElementType>()
        select new ModelConfig
        {
            Name = name,
            HiddenSize = sizes[0],
            LayerCount = layers,
            HeadCount = sizes[1],
            KvHeadCount = sizes[2],
            HeadDim = sizes[3],
            IntermediateSize = sizes[4],
            VocabularySize = sizes[5],
            MaxPositions = sizes[6],
            BosTokenId = sizes[7],
            NormEpsilon = norm,
            RopeTheta = rope,
            WindowPattern = windows,
            Moe = moe,
            TiedEmbeddings = tied,
            EosTokenIds = stops,
            WeightType = type,
        };
}
