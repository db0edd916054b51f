using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Sharding;

/// <summary>What decides the size of the KV cache besides the model and its cut.</summary>
/// <param name="MaxChunk">Most tokens of one sequence in one step (max-num-batched-tokens): a windowed ring must hold them beside its window.</param>
/// <param name="MaxModelLength">Longest sequence that will be admitted.</param>
public sealed record CacheOptions(int BlockSize, int MaxChunk, int MaxModelLength, ElementType ElementType);
