namespace Pipeline.Coordinator.Diagnostics;

/// <summary>How one stage spent a span of time, as shares of it. What is left is idle for another reason: nothing was asked of it.</summary>
public sealed record StageUsage(int Stage, long Steps, double BusyShare, double WaitingForInputShare, double WaitingToSendShare, double MedianStepMilliseconds);
