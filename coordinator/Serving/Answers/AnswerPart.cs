using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>What one answer has grown by, or the whole of it.</summary>
/// <param name="Tokens">Only of answers that tell log-probabilities; the others need no more than the count.</param>
/// <param name="CachedPromptTokens">Tokens of its prompt that did not have to be computed.</param>
/// <param name="FinishReason">Set once it has ended.</param>
internal sealed record AnswerPart(int Choice, string Text, int TokenCount, IReadOnlyList<SampledToken> Tokens, int CachedPromptTokens, FinishReason? FinishReason);
