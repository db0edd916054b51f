namespace Pipeline.Coordinator.Observation;

/// <summary>A stage as it is now.</summary>
/// <param name="Layers">For instance 0..7.</param>
/// <param name="Up">Nothing is known against it.</param>
/// <param name="StepMilliseconds">Median of its last steps; null when there were none.</param>
internal sealed record StageView(
    int Stage, string Layers, string Device, string DeviceName, long WeightBytes, long CacheBytes, bool Up, double Busy, double Sending, double Waiting, double Idle, double? StepMilliseconds)
{
    /// <summary>What is known against it: lost, loading 42 %, silent; empty when it is up.</summary>
    public string Trouble { get; init; } = "";
}
