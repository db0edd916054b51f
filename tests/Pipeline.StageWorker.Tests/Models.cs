using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.StageWorker.Tests;

/// <summary>The model that the workers of these tests hold, with weights from a seed.</summary>
internal static class Models
{
    public const ulong Seed = 99;

    public const int MaxBatchTokens = 48;

    /// <summary>Sparse, with a full and a windowed cache group in every pair of layers.</summary>
    public static ModelConfig Config { get; } = TinyModels.Sparse with { Name = "tiny-worker", LayerCount = 4, WindowPattern = [null, 4] };

    public static KvCacheSpec Spec { get; } = CacheSpecs.For(Config, blockSize: 4, maxChunk: MaxBatchTokens, maxLength: 64, sequences: 4);
}
