namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>Forms of a load test's result on standard output.</summary>
internal enum ServeOutput
{
    Text,
    Markdown,
    Json,
}
