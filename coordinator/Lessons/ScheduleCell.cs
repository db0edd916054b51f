namespace Pipeline.Coordinator.Lessons;

/// <summary>One stage at work for one tick.</summary>
/// <param name="Step">Which step of the microbatch; always 0 in prefill.</param>
public sealed record ScheduleCell(int Stage, int Tick, int Microbatch, int Step);
