using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>What one step brought to one sequence. Every part is reported once, also when a preempted sequence is computed again.</summary>
public sealed record SequenceUpdate
{
    public required SequenceId Sequence { get; init; }

    /// <summary>The token drawn, if one was.</summary>
    public SampledToken? Token { get; init; }

    /// <summary><see cref="Token"/> ended the sequence: it is reported, but belongs neither to the text nor to the count of generated tokens.</summary>
    public bool IsStopToken { get; init; }

    /// <summary>The next log-probabilities of the prompt, which has one fewer than tokens: nothing predicts the first.</summary>
    public ReadOnlyMemory<float> PromptLogprobs { get; init; }

    /// <summary>Raw logits of the next positions, <c>[rows, vocabulary]</c>.</summary>
    public ReadOnlyMemory<float> RawLogits { get; init; }

    /// <summary>Tokens of the prompt that lay in the cache when the sequence was first begun, the same in every update.</summary>
    public int CachedPromptTokens { get; init; }

    /// <summary>Set on the last update of a sequence.</summary>
    public FinishReason? FinishReason { get; init; }

    /// <summary>A prompt chunk that nobody wanted anything of brings nothing.</summary>
    internal bool IsEmpty => Token is null && FinishReason is null && PromptLogprobs.IsEmpty && RawLogits.IsEmpty;
}
