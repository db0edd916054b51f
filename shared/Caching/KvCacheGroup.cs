namespace Pipeline.Shared.Caching;

/// <summary>The layers of one window. They share block tables, so one block id means one block in each of these layers.</summary>
/// <param name="Window">Sliding window; null for full attention.</param>
/// <param name="RingBlocks">Length of a sequence's block table: position p lives in entry (p / block size) mod RingBlocks.</param>
/// <param name="BlockCount">Blocks that every stage allots to this group.</param>
public sealed record KvCacheGroup(int? Window, int RingBlocks, int BlockCount);
