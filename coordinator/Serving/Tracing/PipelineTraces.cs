using System.Diagnostics;

namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>Where the spans of this program come from. Without an exporter nobody listens, and nothing is recorded.</summary>
internal static class PipelineTraces
{
    public const string Name = "Pipeline.Coordinator";

    public static ActivitySource Source { get; } = new(Name, ProgramVersion.Current);

    /// <summary>The span of the request that is being served, if it is one that is recorded.</summary>
    public static Activity? CurrentRequest => Activity.Current is { Recorded: true } activity && activity.Source == Source ? activity : null;
}
