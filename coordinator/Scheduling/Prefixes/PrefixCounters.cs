namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>What the prefix cache was good for since the scheduler began.</summary>
/// <param name="QueriedTokens">Tokens of all sequences that were looked up when they were admitted, again after a preemption.</param>
/// <param name="HitTokens">Those of them that did not have to be computed.</param>
/// <param name="EvictedBlocks">Blocks whose contents had to make room.</param>
public readonly record struct PrefixCounters(long QueriedTokens, long HitTokens, long EvictedBlocks);
