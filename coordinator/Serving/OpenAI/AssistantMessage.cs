namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>What the assistant said. Nothing is ever refused by the model itself, but clients look for the field.</summary>
internal sealed record AssistantMessage(string Role, string Content, string? Refusal);
