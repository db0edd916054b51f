using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Sharding;

/// <summary>How much cache the pipeline as a whole gets out of the memory given to each stage.</summary>
/// <param name="Tokens">Tokens of the longest-reaching group: the minimum over the stages.</param>
/// <param name="DecidingStage">The stage that can afford least; all others get as many blocks as it.</param>
/// <param name="Sequences">Sequences of the longest admitted length that fit at the same time.</param>
public sealed record CacheReport(
    long MemoryPerStage, int BlockSize, int MaxModelLength, IReadOnlyList<KvCacheGroup> Groups, long Tokens, int DecidingStage, double Sequences)
{
    /// <summary>Whether the pipeline can start: weights and one sequence of the longest length.</summary>
    public bool Fits => Sequences >= 1;
}
