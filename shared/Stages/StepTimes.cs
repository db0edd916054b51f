namespace Pipeline.Shared.Stages;

/// <summary>When a step was received, started and finished, in nanoseconds of the stage's monotonic clock. Zero where nobody measured.</summary>
public readonly record struct StepTimes(long Received, long Started, long Finished);
