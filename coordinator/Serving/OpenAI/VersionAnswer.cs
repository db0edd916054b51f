namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The answer of <c>/version</c>.</summary>
internal sealed record VersionAnswer(string Version);
