using System.CommandLine;
using System.Text.Json;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>How a command is told which model: the one place where a folder becomes a <see cref="ModelConfig"/>.</summary>
internal static class ModelArgument
{
    private const string DefaultModel = "models/tiny-mixtral";

    public static Option<string> Option() => new("--model", "-m")
    {
        Description = "Folder of the model",
        HelpName = "DIR",
        DefaultValueFactory = _ => DefaultModel,
    };

    /// <summary>Shape of the model; only its configuration is read.</summary>
    public static ModelConfig Resolve(string path)
    {
        var file = Path.Combine(path, "config.json");
        if (!File.Exists(file))
        {
            throw new UserErrorException(Directory.Exists(path) ? $"no config.json in {path}" : $"no such model folder: {path}");
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return Read(Path.GetFileName(Path.GetFullPath(path)), document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{file}: {exception.Message}");
        }
    }

    private static ModelConfig Read(string name, JsonElement json)
    {
        var hidden = Required(json, "hidden_size");
        var heads = Required(json, "num_attention_heads");
        return new ModelConfig
        {
            Name = name,
            HiddenSize = hidden,
            LayerCount = Required(json, "num_hidden_layers"),
            HeadCount = heads,
            KvHeadCount = Required(json, "num_key_value_heads"),
            HeadDim = Optional(json, "head_dim") ?? (hidden / heads),
            IntermediateSize = Required(json, "intermediate_size"),
            VocabularySize = Required(json, "vocab_size"),
            NormEpsilon = json.GetProperty("rms_norm_eps").GetDouble(),
            RopeTheta = RopeTheta(json),
            WindowPattern = [Optional(json, "sliding_window")],
            Moe = Optional(json, "num_local_experts") is { } experts ? new MoeConfig(experts, Required(json, "num_experts_per_tok")) : null,
            MaxPositions = Required(json, "max_position_embeddings"),
            TiedEmbeddings = json.TryGetProperty("tie_word_embeddings", out var tied) && tied.GetBoolean(),
        };
    }

    private static double RopeTheta(JsonElement json) =>
        (json.TryGetProperty("rope_parameters", out var rope) ? rope : json).GetProperty("rope_theta").GetDouble();

    private static int Required(JsonElement json, string field) =>
        Optional(json, field) ?? throw new KeyNotFoundException($"{field} is missing");

    private static int? Optional(JsonElement json, string field) =>
        json.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetInt32() : null;
}
