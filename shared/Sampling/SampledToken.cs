namespace Pipeline.Shared.Sampling;

/// <summary>A token drawn by the last stage.</summary>
/// <param name="Logprob">Natural log-probability under the unscaled logits; null when not asked for.</param>
/// <param name="Top">The most probable tokens, best first, when asked for.</param>
public sealed record SampledToken(int Token, float? Logprob, IReadOnlyList<TokenLogprob> Top);
