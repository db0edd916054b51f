namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>The latencies that people compare servers by.</summary>
public enum LatencyKind
{
    /// <summary>Time to first token.</summary>
    Ttft,

    /// <summary>Time per output token after the first: one value for each request.</summary>
    Tpot,

    /// <summary>Inter-token latency: one value for each gap between two pieces of text.</summary>
    Itl,

    /// <summary>End-to-end latency.</summary>
    E2el,
}
