namespace Pipeline.Shared.Models;

/// <summary>Reads Mistral's own <c>params.json</c>.</summary>
internal static class MistralParams
{
    // The format states no limit; its reference implementation tabulates rotations for this many positions.
    private const int DefaultMaxPositions = 128_000;

    public static ModelConfig Read(ConfigFields fields, string name, List<string> notes)
    {
        UnsupportedFeatures.RefuseInMistral(fields);
        var names = ConfigFieldNames.Mistral;
        var rules = new ConfigRules(fields, names, notes);
        var layerCount = fields.Positive(names.LayerCount, ConfigLimits.Layers);
        var windows = WindowPatterns.Read(fields, layerCount) ?? [null];
        return rules.Checked(new ModelConfig
        {
            Name = name,
            HiddenSize = fields.Positive(names.HiddenSize, ConfigLimits.HiddenSize),
            LayerCount = layerCount,
            HeadCount = fields.Positive(names.HeadCount, ConfigLimits.Heads),
            KvHeadCount = fields.Positive(names.KvHeadCount, ConfigLimits.Heads),
            HeadDim = rules.HeadDim(),
            IntermediateSize = fields.Positive(names.IntermediateSize, ConfigLimits.IntermediateSize),
            VocabularySize = fields.Positive(ConfigFieldNames.VocabularySize, ConfigLimits.VocabularySize),
            NormEpsilon = fields.PositiveNumber(names.NormEpsilon),
            RopeTheta = rules.RopeTheta(fields.OptionalPositiveNumber(ConfigFieldNames.RopeTheta), windows),
            WindowPattern = windows,
            Moe = fields.Section("moe") is { } moe ? ConfigRules.Moe(moe, names) : null,
            TiedEmbeddings = fields.Flag(names.TiedEmbeddings),
            MaxPositions = MaxPositions(fields, notes),
        });
    }

    private static int MaxPositions(ConfigFields fields, List<string> notes)
    {
        if ((Stated("max_position_embeddings") ?? Stated("max_seq_len")) is { } stated)
        {
            return stated;
        }

        notes.Add($"max_position_embeddings is absent: {DefaultMaxPositions} is used, the reach of the reference implementation");
        return DefaultMaxPositions;

        int? Stated(string name) => fields.OptionalPositive(name, ConfigLimits.Positions);
    }
}
