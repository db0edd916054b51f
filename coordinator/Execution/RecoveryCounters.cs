namespace Pipeline.Coordinator.Execution;

/// <summary>How often a pipeline was brought back, and the time that was lost with it.</summary>
public readonly record struct RecoveryCounters(long Recoveries, TimeSpan Lost);
