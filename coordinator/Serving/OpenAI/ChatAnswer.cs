using System.Text.Json.Serialization;

namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The whole answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatAnswer
{
    public required string Id { get; init; }

    public string Object { get; init; } = "chat.completion";

    public required long Created { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<ChatChoice> Choices { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}
