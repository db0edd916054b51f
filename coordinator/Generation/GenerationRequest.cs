using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Generation;

/// <summary>One prompt, already in tokens, and how to continue it.</summary>
public sealed record GenerationRequest
{
    public required IReadOnlyList<int> Prompt { get; init; }

    public int? MaxTokens { get; init; }

    public SamplingParams Sampling { get; init; } = new();

    /// <summary>The text ends before the first of these that is complete only after <see cref="SamplingParams.MinTokens"/> tokens.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>The stop string that ends the text is its last part.</summary>
    public bool IncludeStopString { get; init; }

    /// <summary>The text is the prompt's own continuation: a space that it begins with is kept.</summary>
    public bool ContinuesText { get; init; }

    public bool IgnoreEos { get; init; }

    public int Priority { get; init; }

    public bool PromptLogprobs { get; init; }

    /// <summary>Told once, which sequence the request became, before anything of it enters the pipe, which waits for it.</summary>
    public Action<SequenceId>? OnSubmitted { get; init; }

    /// <summary>Told once, when the prompt's first tokens enter the pipe.</summary>
    public Action? OnStarted { get; init; }
}
