namespace Pipeline.Coordinator.Cli;

/// <summary>A prompt ready for the pipeline; <see cref="Text"/> is null when it was given as ids.</summary>
internal sealed record Prompt(string? Text, IReadOnlyList<int> Tokens);
