namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>One continuation, or what a frame adds to it.</summary>
internal sealed record CompletionChoice(int Index, string Text, CompletionLogprobs? Logprobs, string? FinishReason);
