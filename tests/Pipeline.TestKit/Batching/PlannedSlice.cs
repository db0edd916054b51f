using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.TestKit.Batching;

/// <summary>Tokens that a sequence brings to the next step, and what is wanted of them.</summary>
/// <param name="Sampling">For the sequence's first slice; greedy if null.</param>
/// <param name="PromptLength">For the first slice; its own length if null.</param>
public sealed record PlannedSlice(
    long Sequence, int[] Tokens, LogitsRequest Logits = LogitsRequest.Raw, int? NextToken = null, SamplingParams? Sampling = null, int? PromptLength = null);
