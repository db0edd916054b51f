namespace Pipeline.Coordinator.Benchmarking;

/// <summary>What becomes of the batch when stages are added.</summary>
public enum BatchScaling
{
    /// <summary>The total stays.</summary>
    Strong,

    /// <summary>Every stage brings as many sequences again: what the additional memory is for.</summary>
    Weak,
}
