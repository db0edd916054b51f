namespace Pipeline.Coordinator.Stages;

/// <summary>How much of its device's memory each stage may give to the KV cache.</summary>
public static class CacheBudget
{
    /// <summary>Of a host's free memory; the rest is for everybody else there.</summary>
    private const double HostShare = 0.8;

    /// <summary>Bytes by stage; what the user gave counts as it is.</summary>
    public static IReadOnlyList<long> Of(PipelineSettings settings, IReadOnlyList<StageMemory> stages) =>
        [.. stages.Select(stage => settings.CacheBytesPerStage ?? Of(settings, stage, stages))];

    private static long Of(PipelineSettings settings, StageMemory stage, IReadOnlyList<StageMemory> stages)
    {
        // The last to load saw the weights of all.
        var sharing = stage.IsLocal ? stages.Where(other => other.IsLocal && other.Device == stage.Device).ToList() : [stage];
        var free = sharing.Min(other => other.Free);
        var usable = stage.Device == "cpu" ? (long)(free * HostShare) : free - (long)Math.Round((1 - settings.GpuMemoryUtilization) * stage.Total);
        return Math.Max(0, usable / sharing.Count);
    }
}
