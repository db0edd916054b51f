namespace Pipeline.Coordinator.Scheduling;

/// <summary>The scheduler's state in numbers, for metrics and the log.</summary>
/// <param name="FreeBlocks">Over all cache groups.</param>
/// <param name="CacheUsage">Share of blocks in use in the fullest cache group, 0 to 1.</param>
public readonly record struct SchedulerCounters(
    int Running, int Waiting, int InFlight, int FreeBlocks, double CacheUsage, long Preemptions);
