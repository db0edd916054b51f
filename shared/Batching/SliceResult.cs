using Pipeline.Shared.Sampling;

namespace Pipeline.Shared.Batching;

/// <summary>What the last stage made of one slice.</summary>
public sealed record SliceResult
{
    public required SequenceId Sequence { get; init; }

    /// <summary>The next token, if the slice asked for one.</summary>
    public SampledToken? Sampled { get; init; }

    /// <summary>Log-probability of the token after each row, if the slice asked to be scored.</summary>
    public float[]? PromptLogprobs { get; init; }

    /// <summary>Raw logits <c>[rows, vocabulary]</c>, if the slice asked for them.</summary>
    public float[]? Logits { get; init; }
}
