namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>One answer of the assistant.</summary>
internal sealed record ChatChoice(int Index, AssistantMessage Message, ChatLogprobs? Logprobs, string? FinishReason);
