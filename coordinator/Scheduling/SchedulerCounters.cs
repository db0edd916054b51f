using Pipeline.Coordinator.Scheduling.Prefixes;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>The scheduler's state in numbers, for metrics and the log.</summary>
/// <param name="FreeBlocks">Over all cache groups; blocks that hold a prefix and no sequence are among them.</param>
/// <param name="CacheUsage">Share of blocks in use in the fullest cache group, 0 to 1.</param>
public readonly record struct SchedulerCounters(
    int Running, int Waiting, int InFlight, int FreeBlocks, double CacheUsage, long Preemptions)
{
    /// <summary>Over all cache groups; free and used ones are all there are.</summary>
    public int UsedBlocks { get; init; }

    /// <summary>Those of the free ones that hold a prefix.</summary>
    public int CachedBlocks { get; init; }

    public PrefixCounters Prefixes { get; init; }

    /// <summary>Tokens of all steps so far.</summary>
    public TokenCounts Scheduled { get; init; }

    /// <summary>Tokens of the step that was sent last.</summary>
    public TokenCounts LastStep { get; init; }
}
