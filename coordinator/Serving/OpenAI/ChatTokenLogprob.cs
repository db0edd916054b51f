namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>A token of the answer and what might have stood in its place.</summary>
internal sealed record ChatTokenLogprob(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<ChatTopLogprob> TopLogprobs);
