namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>Forms of the results on standard output.</summary>
internal enum OutputFormat
{
    Markdown,
    Csv,
    Json,
}
