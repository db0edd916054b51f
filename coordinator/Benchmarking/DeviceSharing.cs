using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Which stages compute on the same hardware. Those can take turns, but not add up.</summary>
public static class DeviceSharing
{
    /// <summary>Separate devices: a CPU counts once for each host.</summary>
    public static int CountDevices(IReadOnlyList<StageStatus> stages) => stages.Select(Device).Distinct().Count();

    /// <summary>Null when every stage has its own device.</summary>
    public static string? Describe(IReadOnlyList<StageStatus> stages)
    {
        var shared = stages.GroupBy(Device).Where(group => group.Count() > 1)
            .Select(group => $"{(group.Count() == stages.Count ? $"all {stages.Count} stages" : $"stages {string.Join(", ", group.Select(stage => stage.Shard.StageIndex))}")} share one {Kind(group.First())} ({group.First().DeviceName})")
            .ToList();
        return shared.Count == 0 ? null : $"with {stages.Count} stages, {string.Join("; ", shared)}: they take turns on it, so more stages add no computing power";
    }

    private static (string Host, string Device) Device(StageStatus stage) => (stage.Address[..stage.Address.LastIndexOf(':')], stage.Device);

    private static string Kind(StageStatus stage) => stage.Device == "cpu" ? "CPU" : "GPU";
}
