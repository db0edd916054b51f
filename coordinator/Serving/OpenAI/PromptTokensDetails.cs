namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>Of the prompt's tokens, those that lay in the cache.</summary>
internal sealed record PromptTokensDetails(int CachedTokens);
