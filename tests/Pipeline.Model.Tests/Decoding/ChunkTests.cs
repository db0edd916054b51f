using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Decoding;

/// <summary>V-4: a prompt in chunks gives the logits of the prompt in one piece.</summary>
public class ChunkTests
{
    private static readonly int[] Chunks = [1, 2, 3, 4, 5, 7, 8, 13, 39, 40];

    [Theory]
    [MemberData(nameof(Windows))]
    public void Prefill_InChunks_EqualsOneShot(string kernels, int window)
    {
        var config = TinyModels.Sparse.WithLayers(3).WithWindow(window);
        var weights = new RandomWeights(config, seed: 40 + window);
        var tokens = RandomTokens.Of(40, config.VocabularySize, seed: window);
        var expected = new OracleModel(weights).Run(tokens);
        foreach (var chunk in Chunks)
        {
            using var chain = new ShardChain(weights, CacheSpecs.For(config, blockSize: 3, maxChunk: chunk, maxLength: 40, sequences: 1), kernels);
            chain.PoisonCaches();
            Close.Rows(expected, chain.Feed(1, tokens, chunk));
        }
    }

    /// <summary>Chunks of changing size in a ring made for the largest, blocks of one position.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Prefill_InUnevenChunks_EqualsOneShot(string kernels)
    {
        var config = TinyModels.PerLayerWindows;
        var weights = new RandomWeights(config, seed: 8);
        var tokens = RandomTokens.Of(61, config.VocabularySize, seed: 8);
        using var chain = new ShardChain(weights, CacheSpecs.For(config, blockSize: 1, maxChunk: 13, maxLength: 61, sequences: 1), kernels);
        Close.Rows(new OracleModel(weights).Run(tokens), chain.Feed(1, tokens, 13, 1, 1, 5, 9, 2, 13, 4, 1));
    }

    public static TheoryData<string, int> Windows() => KernelSets.With([1, 2, 3, 4, 7, 16, 64]);
}
