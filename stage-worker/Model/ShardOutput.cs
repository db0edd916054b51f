using Pipeline.Shared.Batching;

namespace Pipeline.Model;

/// <summary>What a shard makes of a step: hidden states for the next one, or slice results from the last.</summary>
public sealed record ShardOutput(HiddenStates? Hidden, IReadOnlyList<SliceResult>? Results);
