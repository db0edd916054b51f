namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>A request to <c>/v1/completions</c>, checked.</summary>
internal sealed record CompletionRequest(IReadOnlyList<PromptInput> Prompts, int MaxTokens, bool Echo, AnswerOptions Options);
