using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Stages;

/// <summary>What is known of a running stage, for tables.</summary>
public sealed record StageStatus
{
    public required ShardAssignment Shard { get; init; }

    public required string Address { get; init; }

    public required string Device { get; init; }

    public required string DeviceName { get; init; }

    /// <summary>Stages that share the device compute at the same time, not in turns.</summary>
    public bool HasConcurrentProcesses { get; init; }

    public required int ProcessId { get; init; }

    public required long WeightBytes { get; init; }

    public required long CacheBytes { get; init; }

    public required string Kernels { get; init; }

    public required int Threads { get; init; }

    public required double LoadSeconds { get; init; }

    /// <summary>Add to the stage's clock to get the coordinator's, in nanoseconds.</summary>
    public required long ClockOffset { get; init; }
}
