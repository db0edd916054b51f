namespace Pipeline.Shared.Models;

/// <summary>Reads Hugging Face's <c>config.json</c>.</summary>
internal static class HuggingFaceConfig
{
    // The dense classes of the format take an absent window for 4096; the sparse one for none. Null always means none.
    private const int DefaultWindow = 4096;

    public static ModelConfig Read(ConfigFields fields, string name, List<string> notes)
    {
        UnsupportedFeatures.RefuseInHuggingFace(fields);
        var names = ConfigFieldNames.HuggingFace;
        var rules = new ConfigRules(fields, names, notes);
        var moe = Moe(fields, names);
        var layerCount = fields.Positive(names.LayerCount, ConfigLimits.Layers);
        var windows = Windows(fields, layerCount, moe is not null, notes);
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
            RopeTheta = rules.RopeTheta(StatedTheta(fields), windows),
            WindowPattern = windows,
            Moe = moe,
            TiedEmbeddings = fields.Flag(names.TiedEmbeddings),
            MaxPositions = fields.Positive("max_position_embeddings", ConfigLimits.Positions),
            BosTokenId = fields.TokenIds("bos_token_id") is [var bos, ..] ? bos : 1,
            EosTokenIds = fields.TokenIds("eos_token_id") ?? [2],
            WeightType = WeightType(fields),
        });
    }

    private static MoeConfig? Moe(ConfigFields fields, ConfigFieldNames names)
    {
        var isSparse = fields.Text("model_type") == "mixtral";
        if (!isSparse && fields.Has(names.ExpertCount))
        {
            throw fields.Error(names.ExpertCount, "is given, but only model_type mixtral has experts");
        }

        return isSparse ? ConfigRules.Moe(fields, names) : null;
    }

    private static IReadOnlyList<int?> Windows(ConfigFields fields, int layerCount, bool isSparse, List<string> notes)
    {
        var windows = WindowPatterns.Read(fields, layerCount);
        if (windows is null && !isSparse && !fields.States(ConfigFieldNames.SlidingWindow))
        {
            notes.Add($"{ConfigFieldNames.SlidingWindow} is absent: {DefaultWindow} is used, the format's default for a dense model");
            windows = [DefaultWindow];
        }

        return WindowPatterns.ByLayerType(fields, layerCount, windows ?? [null]);
    }

    private static double? StatedTheta(ConfigFields fields)
    {
        var top = fields.OptionalPositiveNumber(ConfigFieldNames.RopeTheta);
        var nested = fields.Section("rope_parameters")?.OptionalPositiveNumber(ConfigFieldNames.RopeTheta);
        return top is null || nested is null || top.Value.Equals(nested.Value)
            ? nested ?? top
            : throw fields.Error(ConfigFieldNames.RopeTheta, $"is {top}, but rope_parameters.{ConfigFieldNames.RopeTheta} is {nested}");
    }

    private static ElementType WeightType(ConfigFields fields)
    {
        var (dtype, torchDtype) = (fields.Text("dtype"), fields.Text("torch_dtype"));
        if (dtype is not null && torchDtype is not null && dtype != torchDtype)
        {
            throw fields.Error("dtype", $"is {dtype}, but torch_dtype is {torchDtype}");
        }

        return (dtype ?? torchDtype) switch
        {
            null or "bfloat16" => ElementType.BFloat16,
            "float16" => ElementType.Float16,
            "float32" => ElementType.Float32,
            var other => throw fields.Error(
                dtype is null ? "torch_dtype" : "dtype", $"is {other}; supported are bfloat16, float16 and float32"),
        };
    }
}
