namespace Pipeline.Coordinator.Stages;

/// <summary>What the stages answered when an epoch was opened on them.</summary>
/// <param name="CacheBytes">Of each stage.</param>
internal sealed record StartedEpoch(IReadOnlyList<long> CacheBytes, HopList Hops);
