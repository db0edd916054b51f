using Pipeline.Protos.V1;
using Pipeline.Shared.Models;

namespace Pipeline.Protos.Codec;

/// <summary>Model configurations on the wire.</summary>
public static class ModelShapeCodec
{
    public static ModelShape ToWire(ModelConfig config)
    {
        var wire = new ModelShape
        {
            Name = config.Name,
            HiddenSize = config.HiddenSize,
            LayerCount = config.LayerCount,
            HeadCount = config.HeadCount,
            KvHeadCount = config.KvHeadCount,
            HeadDim = config.HeadDim,
            IntermediateSize = config.IntermediateSize,
            VocabularySize = config.VocabularySize,
            NormEpsilon = config.NormEpsilon,
            RopeTheta = config.RopeTheta,
            ExpertCount = config.Moe?.ExpertCount ?? 0,
            ExpertsPerToken = config.Moe?.ExpertsPerToken ?? 0,
            TiedEmbeddings = config.TiedEmbeddings,
            MaxPositions = config.MaxPositions,
            BosTokenId = config.BosTokenId,
            WeightType = ElementTypeCodec.ToWire(config.WeightType),
        };
        wire.WindowPattern.AddRange(config.WindowPattern.Select(window => window ?? 0));
        wire.EosTokenIds.AddRange(config.EosTokenIds);
        return wire;
    }

    public static ModelConfig FromWire(ModelShape wire) => new()
    {
        Name = wire.Name,
        HiddenSize = wire.HiddenSize,
        LayerCount = wire.LayerCount,
        HeadCount = wire.HeadCount,
        KvHeadCount = wire.KvHeadCount,
        HeadDim = wire.HeadDim,
        IntermediateSize = wire.IntermediateSize,
        VocabularySize = wire.VocabularySize,
        NormEpsilon = wire.NormEpsilon,
        RopeTheta = wire.RopeTheta,
        WindowPattern = [.. wire.WindowPattern.Select(window => window > 0 ? window : (int?)null)],
        Moe = wire.ExpertCount > 0 ? new MoeConfig(wire.ExpertCount, wire.ExpertsPerToken) : null,
        TiedEmbeddings = wire.TiedEmbeddings,
        MaxPositions = wire.MaxPositions,
        BosTokenId = wire.BosTokenId,
        EosTokenIds = [.. wire.EosTokenIds],
        WeightType = ElementTypeCodec.FromWire(wire.WeightType),
    };
}
