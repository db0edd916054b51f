namespace Pipeline.Coordinator.Verification;

/// <summary>The first generated token that is not the expected one.</summary>
/// <param name="Index">Which of the generated tokens, from 0.</param>
/// <param name="Shortfall">How far the expected token's logit lies below that of the drawn one, by the pipeline's own logits.</param>
/// <param name="IsExcused">The two are so near to each other that the tolerance allows either.</param>
public sealed record TokenMismatch(int Index, int Expected, int Actual, float Shortfall, bool IsExcused);
