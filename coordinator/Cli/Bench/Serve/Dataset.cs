namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>Where the prompts come from.</summary>
internal enum Dataset
{
    Random,
    File,
}
