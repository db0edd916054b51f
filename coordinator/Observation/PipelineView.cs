namespace Pipeline.Coordinator.Observation;

/// <summary>The pipeline at one moment, for eyes: who is busy, where the bubble is, what waits.</summary>
internal sealed record PipelineView
{
    public required string Model { get; init; }

    /// <summary>serving, loading, recovering, draining or failed.</summary>
    public required string State { get; init; }

    /// <summary>What is wrong, or how far loading is; empty when all is well.</summary>
    public string Message { get; init; } = "";

    public string Hops { get; init; } = "";

    public int Running { get; init; }

    public int Waiting { get; init; }

    public int InFlight { get; init; }

    public int Microbatches { get; init; }

    /// <summary>Share of KV blocks in use, 0 to 1.</summary>
    public double CacheUsage { get; init; }

    public long Preemptions { get; init; }

    /// <summary>Share of the prompt tokens looked up so far that were cached; null when none was.</summary>
    public double? PrefixHitRate { get; init; }

    public double PrefillTokensPerSecond { get; init; }

    public double DecodeTokensPerSecond { get; init; }

    /// <summary>Share of the time in which something was in the pipe that the stages did not compute.</summary>
    public double Bubble { get; init; }

    /// <summary>Median time from the end of a step in a stage until the next stage has it; null with one stage or without steps.</summary>
    public double? HopMicroseconds { get; init; }

    public IReadOnlyList<StageView> Stages { get; init; } = [];

    /// <summary>
    /// The steps of the last seconds, short ones gathered, at most about a thousand: stage, microbatch (-1 for several), tokens, sequences,
    /// start, end and sent in microseconds before now (so all are positive, and smaller is later), and microseconds computed.
    /// </summary>
    public IReadOnlyList<long[]> Timeline { get; init; } = [];
}
