using System.Text.Json.Serialization;

namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The answer of <c>/tokenize</c>.</summary>
internal sealed record TokenizeAnswer
{
    public required int Count { get; init; }

    public required int MaxModelLen { get; init; }

    public required IReadOnlyList<int> Tokens { get; init; }

    /// <summary>The pieces of the vocabulary, when asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? TokenStrs { get; init; }
}
