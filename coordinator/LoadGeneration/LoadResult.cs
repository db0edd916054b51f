namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What a run amounts to. Tokens and latencies are those of successful requests.</summary>
public sealed record LoadResult
{
    public required int Successful { get; init; }

    /// <summary>Without throttled ones.</summary>
    public required int Failed { get; init; }

    public required int Throttled { get; init; }

    /// <summary>Under way or not yet made when the run was interrupted.</summary>
    public required int Unfinished { get; init; }

    public required IReadOnlyList<FailureCount> Failures { get; init; }

    public required double DurationSeconds { get; init; }

    public required long InputTokens { get; init; }

    public required long OutputTokens { get; init; }

    /// <summary>Successful requests whose output was counted here, by its pieces, because the server did not say.</summary>
    public required int CountedHere { get; init; }

    public required double RequestsPerSecond { get; init; }

    /// <summary>Requests a second that met the service level; null without one.</summary>
    public required double? GoodRequestsPerSecond { get; init; }

    public required double OutputTokensPerSecond { get; init; }

    /// <summary>In the best second.</summary>
    public required double PeakOutputTokensPerSecond { get; init; }

    public required double TotalTokensPerSecond { get; init; }

    public required int PeakConcurrency { get; init; }

    public required IReadOnlyDictionary<LatencyKind, LatencySummary?> Latencies { get; init; }
}
