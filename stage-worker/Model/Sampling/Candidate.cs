namespace Pipeline.Model.Sampling;

/// <summary>A token that may still be drawn, with its unnormalised probability.</summary>
public readonly record struct Candidate(int Token, double Probability);
