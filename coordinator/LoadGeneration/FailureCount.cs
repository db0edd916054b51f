namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>How often requests failed in one way, with what the first of them said.</summary>
public sealed record FailureCount(FailureKind Kind, int? Status, int Count, string Example, double? RetryAfterSeconds);
