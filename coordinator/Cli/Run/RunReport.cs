using Pipeline.Coordinator.Diagnostics;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>Everything <c>run</c> has to tell; the document of <c>--json</c>.</summary>
internal sealed record RunReport(
    string Model, int Stages, int Microbatches, IReadOnlyList<PromptOutput> Outputs, Throughput Throughput, IReadOnlyList<PhaseUsage> Phases, IReadOnlyList<StageStatus> StageStatus);
