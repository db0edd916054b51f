using System.Text.Json.Serialization;

namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>A frame of a streamed chat answer.</summary>
internal sealed record ChatChunk
{
    public required string Id { get; init; }

    public string Object { get; init; } = "chat.completion.chunk";

    public required long Created { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<ChatChunkChoice> Choices { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}
