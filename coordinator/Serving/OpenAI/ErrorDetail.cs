namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>What went wrong, and with which field when it was one.</summary>
internal sealed record ErrorDetail(string Message, string Type, string? Param, string? Code);
