namespace Pipeline.Shared.Batching;

/// <summary>What comes back from the last stage for one microbatch, slices in the order they were sent.</summary>
public sealed record MicrobatchResult(PlanEpoch Epoch, long Step, MicrobatchId Id, IReadOnlyList<SliceResult> Slices);
