namespace Pipeline.Shared.Models;

/// <summary>Shape of a sparse mixture of experts: how many there are and how many a token visits.</summary>
public sealed record MoeConfig(int ExpertCount, int ExpertsPerToken);
