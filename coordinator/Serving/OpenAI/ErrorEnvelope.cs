namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The document of every answer that is an error.</summary>
internal sealed record ErrorEnvelope(ErrorDetail Error);
