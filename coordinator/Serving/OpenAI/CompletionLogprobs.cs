namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>Log-probabilities in the form of <c>/v1/completions</c>: lists side by side, one entry for each token.</summary>
internal sealed record CompletionLogprobs(
    IReadOnlyList<int> TextOffset, IReadOnlyList<float?> TokenLogprobs, IReadOnlyList<string> Tokens, IReadOnlyList<IReadOnlyDictionary<string, float>> TopLogprobs);
