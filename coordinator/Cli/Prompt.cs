namespace Pipeline.Coordinator.Cli;

/// <summary>A prompt ready for the pipeline; <see cref="Text"/> is null when it was given as ids.</summary>
internal sealed record Prompt(string? Text, IReadOnlyList<int> Tokens)
{
    /// <summary>The answer goes on where the text ends, so a space at its beginning counts; an answer in a chat is a text of its own.</summary>
    public bool IsContinued { get; init; }
}
