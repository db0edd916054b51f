using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Observation;

/// <summary>A step in one stage on the coordinator's clock, in nanoseconds.</summary>
internal readonly record struct StepSpan(int Stage, long Step, int Microbatch, int Tokens, int Sequences, long Received, long Started, long Finished, long Sent)
{
    /// <param name="offset">Add to the stage's clock to get the coordinator's.</param>
    public static StepSpan Of(StepReport report, long offset) => new(
        report.StageIndex, report.Step, report.Microbatch.Value, report.Tokens, report.Sequences, report.Received + offset, report.Started + offset, report.Finished + offset, report.Sent + offset);
}
