using Pipeline.Protos.V1;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Codec;

/// <summary>Model configurations on the wire.</summary>
public static class ModelShapeCodec
{
    /// <summary>In all layers together.</summary>
    private const int MostExperts = 1 << 16;

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

    /// <summary>The configuration, if it describes a model that can exist.</summary>
    public static ModelConfig FromWire(ModelShape wire)
    {
        if (FindProblem(wire) is { } problem)
        {
            throw new StageException(StageError.Malformed, $"no model has this shape: {problem}");
        }

        return ToConfig(wire);
    }

    private static ModelConfig ToConfig(ModelShape wire) => new()
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

    private static string? FindProblem(ModelShape wire)
    {
        // The upper bounds are far beyond any model, and near enough that nothing computed from them overflows or fills memory.
        (string Name, int Value, int Most)[] sizes =
        [
            ("hidden_size", wire.HiddenSize, 1 << 20), ("layer_count", wire.LayerCount, 1 << 12), ("head_count", wire.HeadCount, 1 << 16), ("kv_head_count", wire.KvHeadCount, 1 << 16),
            ("head_dim", wire.HeadDim, 1 << 16), ("intermediate_size", wire.IntermediateSize, 1 << 22), ("vocabulary_size", wire.VocabularySize, 1 << 24), ("max_positions", wire.MaxPositions, int.MaxValue),
        ];
        return Array.Find(sizes, size => size.Value < 1 || size.Value > size.Most) is { Name: not null } wrong ? $"{wrong.Name} is {wrong.Value}" : wire switch
        {
            _ when (long)wire.LayerCount * wire.ExpertCount > MostExperts => $"{wire.LayerCount} layers of {wire.ExpertCount} experts",
            _ when wire.HeadCount % wire.KvHeadCount != 0 => $"{wire.HeadCount} heads cannot share {wire.KvHeadCount} kv heads",
            _ when wire.HeadDim % 2 != 0 => $"head_dim is {wire.HeadDim}, rotation needs an even number",
            _ when (wire.HeadCount + (2L * wire.KvHeadCount)) * wire.HeadDim > int.MaxValue => $"{wire.HeadCount} heads of {wire.HeadDim}",
            _ when wire.WindowPattern.Count == 0 || wire.WindowPattern.Any(window => window < 0) => $"window_pattern is [{string.Join(", ", wire.WindowPattern)}]",
            _ when wire.ExpertCount < 0 || (wire.ExpertCount > 0 && (wire.ExpertsPerToken < 1 || wire.ExpertsPerToken > wire.ExpertCount)) =>
                $"a token visits {wire.ExpertsPerToken} of {wire.ExpertCount} experts",
            _ when !(wire.NormEpsilon is >= 0 and < 1) => $"norm_epsilon is {wire.NormEpsilon}",
            _ when !(wire.RopeTheta > 0 && double.IsFinite(wire.RopeTheta)) => $"rope_theta is {wire.RopeTheta}",
            _ => null,
        };
    }
}
