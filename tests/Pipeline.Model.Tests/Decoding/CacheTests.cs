using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Decoding;

/// <summary>V-1 and V-5: the rolling cache is exact, whatever lies in it from before.</summary>
public class CacheTests
{
    [Theory]
    [MemberData(nameof(Models))]
    public void Decode_AfterPrefill_EqualsFullComputation(string kernels, int model)
    {
        var config = TinyModels.All[model];
        var weights = new RandomWeights(config, seed: 100 + model);
        var tokens = RandomTokens.Of(40, config.VocabularySize, seed: model);
        using var chain = new ShardChain(weights, CacheSpecs.For(config, blockSize: 4, maxChunk: 17, maxLength: 40, sequences: 1), kernels);
        Close.Rows(new OracleModel(weights).Run(tokens), chain.Feed(1, tokens, 17, 1));
    }

    /// <summary>A window longer than the sequence, then one that rolls: prompt 3W + 1, then 2W + 3 single tokens.</summary>
    [Theory]
    [MemberData(nameof(Windows))]
    public void Decode_PoisonedRollingCache_EqualsMaskedFullComputation(string kernels, int window)
    {
        var config = TinyModels.Sparse.WithLayers(4).WithWindow(window);
        var weights = new RandomWeights(config, seed: window);
        var tokens = RandomTokens.Of((3 * window) + 1 + (2 * window) + 3, config.VocabularySize, seed: window);
        using var chain = new ShardChain(weights, CacheSpecs.For(config, blockSize: 2, maxChunk: (3 * window) + 1, maxLength: tokens.Length, sequences: 1), kernels);
        var bytes = chain.Shards[0].Cache.ByteCount;
        chain.PoisonCaches();
        var expected = new OracleModel(weights).Run(tokens);
        Close.Rows(expected, chain.Feed(1, tokens, (3 * window) + 1, 1));
        Assert.Equal(bytes, chain.Shards[0].Cache.ByteCount);
        AssertSlots(chain, expected, tokens.Length);
    }

    /// <summary>Slots are reused by the next sequence without a trace of the one before.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Decode_InBlocksOfAnEndedSequence_EqualsFreshRun(string kernels)
    {
        var config = TinyModels.Sparse;
        var weights = new RandomWeights(config, seed: 5);
        var spec = CacheSpecs.For(config, blockSize: 4, maxChunk: 8, maxLength: 40, sequences: 1);
        using var used = new ShardChain(weights, spec, kernels);
        using var fresh = new ShardChain(weights, spec, kernels);
        used.Feed(1, RandomTokens.Of(31, config.VocabularySize, seed: 1), 8, 1);
        used.Writer.Release(1);
        var tokens = RandomTokens.Of(17, config.VocabularySize, seed: 2);
        Assert.Equal(fresh.Feed(2, tokens, 8, 1), used.Feed(2, tokens, 8, 1));
        Assert.Equal(1, used.Tables[0].Count);
    }

    public static TheoryData<string, int> Models() => KernelSets.With(Enumerable.Range(0, TinyModels.All.Count));

    public static TheoryData<string, int> Windows() => KernelSets.With([1, 2, 4, 7]);

    /// <summary>Ring slot s of every layer holds the key of the newest position p = s (mod ring size), and NaN where there is none.</summary>
    private static void AssertSlots(ShardChain chain, OracleRun expected, int length)
    {
        var (spec, shard) = (chain.Spec, chain.Shards[0]);
        var ring = spec.Groups[0].RingBlocks * spec.BlockSize;
        for (var slot = 0; slot < ring; slot++)
        {
            var block = chain.Writer.TableOf(1, 0)[slot / spec.BlockSize];
            var newest = Enumerable.Range(0, length).LastOrDefault(position => position % ring == slot, -1);
            for (var layer = 0; layer < shard.Config.LayerCount; layer++)
            {
                AssertSlot(shard.Cache[layer].Keys, expected.Keys[layer], newest, block, slot % spec.BlockSize);
                AssertSlot(shard.Cache[layer].Values, expected.Values[layer], newest, block, slot % spec.BlockSize);
            }
        }
    }

    private static void AssertSlot(torch.Tensor cached, double[][] expected, int position, int block, int row)
    {
        using var slot = cached[block, row].reshape(-1);
        var actual = slot.data<float>().ToArray();
        if (position < 0)
        {
            Assert.All(actual, value => Assert.True(float.IsNaN(value)));
        }
        else
        {
            Close.Vector(expected[position], actual, $"slot of position {position}");
        }
    }
}
