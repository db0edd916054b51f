namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>What a frame adds to one answer of the assistant.</summary>
internal sealed record ChatChunkChoice(int Index, ChatDelta Delta, ChatLogprobs? Logprobs, string? FinishReason);
