namespace Pipeline.Coordinator.Stages;

/// <summary>Environment of the workers launched on this host.</summary>
public static class WorkerEnvironment
{
    /// <summary>
    /// On the CPU several workers share the cores: threads that wait for work must give their core away, and the garbage
    /// collector needs no thread of its own.
    /// </summary>
    public static IReadOnlyDictionary<string, string> ForLocal(string device)
    {
        var environment = new Dictionary<string, string>
        {
            ["OMP_WAIT_POLICY"] = "passive",
            ["DOTNET_gcConcurrent"] = "0",
        };
        if (device != "cpu")
        {
            // A GPU stands still while a thread wakes up, and its host has cores to spare: a few threads look out for work for
            // milliseconds before they sleep. Numbers are hexadecimal.
            SetUnlessGiven("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "7FFF");
            SetUnlessGiven("DOTNET_ThreadPool_ForceMaxWorkerThreads", "4");
        }

        return environment;

        void SetUnlessGiven(string name, string value)
        {
            // What our own environment says is handed down as it is.
            if (Environment.GetEnvironmentVariable(name) is null)
            {
                environment[name] = value;
            }
        }
    }
}
