using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Generation;

/// <summary>What came to a generation since the last delta.</summary>
public sealed record GenerationDelta
{
    /// <summary>Text that is certain now; may lag behind the tokens by a character or a possible stop string.</summary>
    public string Text { get; init; } = "";

    public IReadOnlyList<SampledToken> Tokens { get; init; } = [];

    public IReadOnlyList<float> PromptLogprobs { get; init; } = [];

    /// <summary>Tokens of the prompt that lay in the cache and were not computed; the same in every delta that a step brought.</summary>
    public int CachedPromptTokens { get; init; }

    /// <summary>Set on the last delta.</summary>
    public FinishReason? FinishReason { get; init; }
}
