using Pipeline.Shared.Sampling;

namespace Pipeline.Shared.Batching;

/// <summary>
/// Opens a sequence on every stage; travels with the first slice of a sequence. When a preempted sequence is recomputed it
/// starts again under the same id with its tokens so far; those from <paramref name="PromptLength"/> on count as generated.
/// </summary>
public sealed record SequenceStart(int PromptLength, SamplingParams Sampling)
{
    /// <summary>
    /// The tokens before the first slice. Their keys and values lie in the blocks that the slice announces, as far as they
    /// will be seen: another sequence with the same beginning had them computed. Penalties count them like all others.
    /// </summary>
    public int[] CachedPrefix { get; init; } = [];

    /// <summary>Numbers that grow with the request: the prefix, biases of tokens with their names, stop tokens.</summary>
    public int NumberCount => CachedPrefix.Length + (2 * Sampling.LogitBias.Count) + Sampling.StopTokenIds.Count;
}
