namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The answer of the health endpoints when all is well.</summary>
internal sealed record StatusAnswer(string Status);
