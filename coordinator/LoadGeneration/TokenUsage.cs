namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What the server counted.</summary>
internal readonly record struct TokenUsage(int PromptTokens, int CompletionTokens);
