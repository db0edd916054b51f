using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>What the scheduler is asked to do: one prompt and how to continue it.</summary>
public sealed record SequenceRequest
{
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>Tokens to generate at most; 0 only scores the prompt; null goes on to the end of the model's context.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Its stop tokens end this sequence, beside <see cref="EosTokenIds"/>.</summary>
    public SamplingParams Sampling { get; init; } = new();

    /// <summary>The model's own end-of-sequence tokens.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Draw end-of-sequence tokens like any other and go on.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>The smaller goes first; among equals the earlier.</summary>
    public int Priority { get; init; }

    public bool PromptLogprobs { get; init; }

    /// <summary>The raw logits of every position, for verification.</summary>
    public bool RawLogits { get; init; }
}
