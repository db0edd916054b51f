using System.Text.Json;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>Tells a model's chat format from its tokenizer and from the chat template in its folder.</summary>
public static class ChatFormatDetection
{
    private const int OriginalVocabularySize = 32_000;
    private const string Choices = "choose one of v1, v2, v3, roles";

    /// <exception cref="TokenizerException">Nothing tells the format, or it is one not supported.</exception>
    public static ChatFormat Detect(SentencePieceTokenizer tokenizer, string modelFolder)
    {
        if (tokenizer.ControlId("[INST]") is not null)
        {
            return OfVersion(tokenizer);
        }

        var template = ReadTemplate(modelFolder);
        return template.Contains("[INST]", StringComparison.Ordinal) ? ChatFormat.V1
            : template.Contains("upper", StringComparison.Ordinal) ? ChatFormat.Roles
            : template.Length == 0 && tokenizer is { Version: TokenizerVersion.V1, VocabularySize: OriginalVocabularySize } ? ChatFormat.V1
            : throw new TokenizerException($"cannot tell the chat format of {modelFolder} from its tokenizer or chat template: {Choices}");
    }

    private static ChatFormat OfVersion(SentencePieceTokenizer tokenizer) => tokenizer.Version switch
    {
        TokenizerVersion.V2 => ChatFormat.V2,
        TokenizerVersion.V3 => ChatFormat.V3,
        var version => throw new TokenizerException($"the tokenizer {tokenizer.FilePath} is of version {version}, whose chat format is not supported: {Choices}"),
    };

    /// <summary>A template stands in tokenizer_config.json, as a text or as a list of named ones, or in a file of its own.</summary>
    private static string ReadTemplate(string folder)
    {
        var own = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(own))
        {
            return File.ReadAllText(own);
        }

        var path = Path.Combine(folder, "tokenizer_config.json");
        return File.Exists(path) ? TemplateIn(path) : "";
    }

    private static string TemplateIn(string path)
    {
        try
        {
            using var config = JsonDocument.Parse(File.ReadAllText(path));
            return config.RootElement.TryGetProperty("chat_template", out var template) ? TextOf(template) : "";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new TokenizerException($"{path} holds no chat template that can be read: {exception.Message}", exception);
        }
    }

    private static string TextOf(JsonElement template) => template.ValueKind switch
    {
        JsonValueKind.String => template.GetString()!,
        JsonValueKind.Array => string.Concat(template.EnumerateArray().Select(entry => entry.GetProperty("template").GetString())),
        _ => "",
    };
}
