namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>A request to <c>/v1/chat/completions</c>, checked. <see cref="MaxTokens"/> is null for as many as the context has room for.</summary>
internal sealed record ChatRequest(IReadOnlyList<int> Prompt, int? MaxTokens, AnswerOptions Options);
