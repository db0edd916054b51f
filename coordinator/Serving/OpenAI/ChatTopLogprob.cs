namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>One of the most probable tokens of a place.</summary>
internal sealed record ChatTopLogprob(string Token, float Logprob, IReadOnlyList<int> Bytes);
