namespace Pipeline.Coordinator.Scheduling;

/// <summary>A request that could never be served, or for which there is no place in the queue. It left no trace in the scheduler.</summary>
public sealed class RequestRejectedException(RejectionReason reason, string message, long requested, long limit) : Exception(message)
{
    public RejectionReason Reason { get; } = reason;

    public long Requested { get; } = requested;

    public long Limit { get; } = limit;
}
