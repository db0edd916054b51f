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

    public SentencePieceTokenizer RequireTokenizer(string path) =>
        Tokenizer ?? throw ApiException.Invalid(path, $"{path} is text, but {Config.Name} has no tokenizer here; a list of token ids is wanted");

    public InstructTemplate RequireChatTemplate() =>
        ChatTemplate ?? throw ApiException.Invalid("messages", $"{Config.Name} has no chat format that this server knows; use /v1/completions, or start the server with --chat-format");
}
