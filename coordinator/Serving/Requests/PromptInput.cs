namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>A prompt in tokens; <see cref="Text"/> is null when it came as ids.</summary>
internal sealed record PromptInput(string? Text, IReadOnlyList<int> Tokens);
