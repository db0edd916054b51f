namespace Pipeline.Coordinator.Stages;

/// <summary>Environment of the workers launched on this host.</summary>
public static class WorkerEnvironment
{
    /// <summary>
    /// Several workers share the cores: threads that wait for work must give their core away, and the garbage collector needs no
    /// thread of its own.
    /// </summary>
    public static IReadOnlyDictionary<string, string> ForLocal() => new Dictionary<string, string>
    {
        ["OMP_WAIT_POLICY"] = "passive",
        ["DOTNET_gcConcurrent"] = "0",
    };
}
