namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>Where the prompts come from.</summary>
internal enum Dataset
{
    Random,
    File,

    /// <summary>A file too, and one of conversations: the lines of any other would be taken for prompts.</summary>
    Conversations,
}
