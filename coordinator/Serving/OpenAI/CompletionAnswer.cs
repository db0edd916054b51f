using System.Text.Json.Serialization;

namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The answer of <c>/v1/completions</c>; in a stream, each of its frames.</summary>
internal sealed record CompletionAnswer
{
    public required string Id { get; init; }

    public string Object { get; init; } = "text_completion";

    public required long Created { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<CompletionChoice> Choices { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}
