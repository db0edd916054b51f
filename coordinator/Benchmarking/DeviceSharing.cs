using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Which stages compute on the same hardware. Those do not add up.</summary>
public static class DeviceSharing
{
    /// <summary>Separate devices: a CPU counts once for each host.</summary>
    public static int CountDevices(IReadOnlyList<StageStatus> stages) => stages.Select(Device).Distinct().Count();

    /// <summary>Null when every stage has its own device.</summary>
    public static string? Describe(IReadOnlyList<StageStatus> stages)
    {
        var shared = stages.GroupBy(Device).Where(group => group.Count() > 1).Select(group => Describe([.. group], stages.Count)).ToList();
        return shared.Count == 0 ? null : $"with {stages.Count} stages, {string.Join("; ", shared)}";
    }

    private static string Describe(IReadOnlyList<StageStatus> sharing, int stages)
    {
        var which = sharing.Count == stages ? $"all {stages} stages" : $"stages {string.Join(", ", sharing.Select(stage => stage.Shard.StageIndex))}";
        var (kind, consequence) = sharing[0] switch
        {
            { Device: "cpu" } => ("CPU", "they take turns on it, so more stages add no computing power"),
            { HasConcurrentProcesses: true } => ("GPU", "NVIDIA's MPS lets them compute at the same time, so with as many microbatches what one leaves idle another uses"),
            _ => ("GPU", "they take turns on it, so more stages add no computing power; with NVIDIA's MPS running they would compute at the same time"),
        };
        return $"{which} share one {kind} ({sharing[0].DeviceName}): {consequence}";
    }

    private static (string Host, string Device) Device(StageStatus stage) => (stage.Address[..stage.Address.LastIndexOf(':')], stage.Device);
}
