using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Benchmarking;

/// <summary>Step reports as a table that can be checked by hand; times in microseconds, one token for one sequence.</summary>
internal static class StepReportTable
{
    public static StepReport Row(int stage, long step, int microbatch, long received, long started, long finished, long sent) =>
        new(stage, step, new MicrobatchId(microbatch), 1, 1, received * 1000, started * 1000, finished * 1000, sent * 1000);
}
