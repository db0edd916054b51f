namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>Log-probabilities in the form of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatLogprobs(IReadOnlyList<ChatTokenLogprob> Content);
