namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What went wrong with a request.</summary>
/// <param name="RetryAfterSeconds">What a throttling server asked for.</param>
public sealed record RequestFailure(FailureKind Kind, int? Status, string Message, double? RetryAfterSeconds = null);
