namespace Pipeline.Shared.Caching;

/// <summary>Entry <paramref name="Index"/> of a sequence's block table in cache group <paramref name="Group"/> becomes <paramref name="Block"/>.</summary>
public readonly record struct BlockUpdate(int Group, int Index, int Block);
