using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>What became of one prompt.</summary>
internal sealed record PromptOutput(
    int Index, string? Prompt, int PromptTokens, string Text, IReadOnlyList<int> Tokens, FinishReason? FinishReason, IReadOnlyList<float>? PromptLogprobs, IReadOnlyList<SampledToken>? Logprobs);
