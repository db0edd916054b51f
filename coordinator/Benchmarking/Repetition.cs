using Pipeline.Coordinator.Diagnostics;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>One run of a test: its times, and what the stages told of it.</summary>
/// <param name="Usage">Null when the stages' reports did not come in time.</param>
public sealed record Repetition(Timing Timing, PhaseUsage? Usage, IReadOnlyList<double> HopMicroseconds, IReadOnlyList<double> CoordinatorMicroseconds);
