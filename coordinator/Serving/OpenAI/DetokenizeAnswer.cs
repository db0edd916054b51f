namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The answer of <c>/detokenize</c>, under the name that clients know it by.</summary>
internal sealed record DetokenizeAnswer(string Prompt);
