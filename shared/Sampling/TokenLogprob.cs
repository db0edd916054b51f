namespace Pipeline.Shared.Sampling;

/// <summary>A token and its natural log-probability under the unscaled, unpenalised logits.</summary>
public readonly record struct TokenLogprob(int Token, float Logprob);
