using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Sharding;

/// <summary>What one stage will hold and do, before anything is loaded.</summary>
/// <param name="KvBytesPerToken">Cache bytes that each token adds on this stage.</param>
/// <param name="WeightBytesPerToken">Weight bytes read for one token: the measure of work.</param>
/// <param name="WorkShare">Share of the whole model's work; 1 over the number of stages is perfect.</param>
/// <param name="FreeBytes">Memory left beside the weights, negative when they do not fit; null when no memory was given.</param>
/// <param name="CacheTokens">Tokens of cache that this stage could afford alone; null when no memory was given.</param>
public sealed record StageReport(
    int Stage,
    LayerRange Layers,
    bool HoldsEmbedding,
    bool HoldsHead,
    int Tensors,
    long WeightBytes,
    long KvBytesPerToken,
    long WeightBytesPerToken,
    double WorkShare,
    long? FreeBytes,
    long? CacheTokens);
