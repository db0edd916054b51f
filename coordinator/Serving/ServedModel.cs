using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Serving;

/// <summary>The model as clients see it: its names, and what makes tokens of their text.</summary>
internal sealed record ServedModel
{
    /// <summary>The first is the one that answers carry when the request names none.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    public required ModelConfig Config { get; init; }

    /// <summary>Prompt and answer together, at most.</summary>
    public required int MaxModelLength { get; init; }

    public required SentencePieceTokenizer? Tokenizer { get; init; }

    /// <summary>Null if nothing tells how a conversation is laid out for this model.</summary>
    public required InstructTemplate? ChatTemplate { get; init; }

    /// <summary>The name that a request calls the model by, or the one that answers carry instead.</summary>
    public string RequireName(string? asked) =>
        asked is null ? Names[0] : Names.Contains(asked) ? asked : throw ApiException.UnknownModel(asked, Names);

    /// <summary>For text that could have come as token ids as well.</summary>
    public SentencePieceTokenizer RequireTokenizer(string path) => RequireTokenizer(path, "a list of token ids is wanted");

    /// <param name="otherwise">What the client can do without one.</param>
    public SentencePieceTokenizer RequireTokenizer(string path, string otherwise) =>
        Tokenizer ?? throw ApiException.Invalid(path, $"{path} needs a tokenizer, and {Config.Name} has none here; {otherwise}");

    public InstructTemplate RequireChatTemplate()
    {
        RequireTokenizer("messages", "send the conversation as token ids to /v1/completions");
        return ChatTemplate ?? throw ApiException.Invalid("messages", $"{Config.Name} has no chat format that this server knows; use /v1/completions, or start the server with --chat-format");
    }
}
