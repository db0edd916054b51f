namespace Pipeline.Coordinator.Verification;

/// <summary>A case with what the oracle said to it.</summary>
public sealed record GoldenCase(VerificationCase Case, CaseOutput Expected);
