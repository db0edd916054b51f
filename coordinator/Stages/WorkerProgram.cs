namespace Pipeline.Coordinator.Stages;

/// <summary>Where the stage worker's program is.</summary>
public static class WorkerProgram
{
    public const string Variable = "PIPELINE_STAGE_WORKER";

    private const string Name = "stage-worker";

    /// <summary>Path of the program: named by the environment, published beside the coordinator, or built beside it.</summary>
    public static string Locate()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return File.Exists(named) ? named : throw new UserErrorException($"{Variable} is {named}, but there is no such file");
        }

        var here = AppContext.BaseDirectory;
        var configuration = Path.GetFileName(here.TrimEnd(Path.DirectorySeparatorChar));
        string[] candidates =
        [
            Path.Combine(here, Name),
            Path.Combine(here, Name, Name),
            Path.Combine(here, "..", Name, Name),
            Path.Combine(here, "..", "..", "Pipeline.StageWorker", configuration, Name),
        ];
        return candidates.Select(Path.GetFullPath).FirstOrDefault(File.Exists)
            ?? throw new UserErrorException($"the program {Name} is neither beside the coordinator nor in the build's output; build the whole solution or set {Variable} to its path");
    }
}
