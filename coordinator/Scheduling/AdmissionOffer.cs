using Pipeline.Coordinator.Scheduling.Prefixes;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>A waiting sequence for which there is room, and the beginning of it that lies in the cache.</summary>
/// <param name="PendingTokens">What is left to compute of it.</param>
internal sealed record AdmissionOffer(Sequence Sequence, PrefixMatch Prefix, int PendingTokens);
