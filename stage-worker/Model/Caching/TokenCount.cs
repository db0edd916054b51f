namespace Pipeline.Model.Caching;

/// <summary>A token that a sequence has, and how often it was generated: 0 for one that only the prompt has.</summary>
public readonly record struct TokenCount(int Token, int Generated);
