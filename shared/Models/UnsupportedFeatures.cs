namespace Pipeline.Shared.Models;

/// <summary>Refuses, by name, what a file asks for and this product does not compute; better than a strange answer later.</summary>
internal static class UnsupportedFeatures
{
    private static readonly string[] Supported = ["mistral", "mixtral", "ministral"];

    public static void RefuseInHuggingFace(ConfigFields fields)
    {
        RefuseCommon(fields);
        var type = fields.Text("model_type") ?? throw fields.Missing("model_type");
        if (!Supported.Contains(type))
        {
            throw fields.Error("model_type", $"is {type}, {Kind(type)}; supported are {string.Join(", ", Supported)}");
        }

        if (fields.Text("hidden_act") is { } activation && activation != "silu")
        {
            throw fields.Error("hidden_act", $"is {activation}; supported is silu");
        }

        RefuseFlag(fields, "attention_bias");
        RefuseFlag(fields, "mlp_bias");
        RefuseRopeScaling(fields, "rope_scaling");
        RefuseRopeScaling(fields, "rope_parameters");
    }

    public static void RefuseInMistral(ConfigFields fields)
    {
        RefuseCommon(fields);
        if (fields.Text("model_type") is { } type && type != "transformer")
        {
            throw fields.Error("model_type", $"is {type}, {Kind(type)}; supported is transformer");
        }

        RefuseFlag(fields, "use_biases");
        foreach (var name in (string[])["yarn", "rope_scaling", "llama_4_scaling", "q_lora_rank", "kv_lora_rank"])
        {
            if (fields.Has(name))
            {
                throw fields.Error(name, "is given; this form of attention or of rotary embedding is not supported");
            }
        }

        if (fields.Has("lora"))
        {
            throw fields.Error("lora", "is given; adapters are not supported, merge them into the weights first");
        }
    }

    private static void RefuseCommon(ConfigFields fields)
    {
        foreach (var name in (string[])["quantization", "quantization_config"])
        {
            if (fields.Has(name))
            {
                var method = fields.Section(name)?.Text("quant_method") ?? fields.Section(name)?.Text("qformat_weight");
                throw fields.Error(
                    name, $"is given{(method is null ? "" : $" ({method})")}: quantised weights are not supported; take the bfloat16 release");
            }
        }

        foreach (var name in (string[])["vision_config", "vision_encoder", "vision_tower", "multimodal", "audio_config"])
        {
            if (fields.Has(name))
            {
                throw fields.Error(
                    name, "is given: models with a vision or audio encoder (Pixtral and others) are not supported, only text models");
            }
        }
    }

    private static string Kind(string modelType) => modelType switch
    {
        "mamba" or "mamba2" or "falcon_mamba" => "a Mamba state-space model, which is not supported",
        "pixtral" or "mistral3" or "llava" or "llava_next" => "a vision model (Pixtral and others), which is not supported",
        _ => "which is not supported",
    };

    private static void RefuseFlag(ConfigFields fields, string name)
    {
        if (fields.Flag(name))
        {
            throw fields.Error(name, "is true; projections with a bias are not supported");
        }
    }

    private static void RefuseRopeScaling(ConfigFields fields, string name)
    {
        if (fields.Section(name) is not { } rope)
        {
            return;
        }

        foreach (var field in (string[])["rope_type", "type"])
        {
            if (rope.Text(field) is { } type && type != "default")
            {
                throw rope.Error(field, $"is {type}; supported is default, that is no scaling");
            }
        }

        foreach (var field in (string[])["factor", "partial_rotary_factor"])
        {
            if (rope.OptionalPositiveNumber(field) is { } factor and not 1)
            {
                throw rope.Error(field, $"is {factor}; supported is 1, that is no scaling");
            }
        }

        foreach (var layerType in (string[])["full_attention", "sliding_attention"])
        {
            if (rope.Has(layerType))
            {
                throw rope.Error(layerType, "is given; rotary parameters that differ by layer are not supported");
            }
        }
    }
}
