using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Caching;

/// <summary>A sequence moves to another cache with other blocks of another size, and nothing of it changes.</summary>
public class SequenceTransferTests
{
    private static readonly ModelConfig Config = TinyModels.PerLayerWindows;
    private static readonly RandomWeights Weights = new(Config, seed: 51);
    private static readonly int[] Tokens = RandomTokens.Of(40, Config.VocabularySize, seed: 51);

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Import_IntoAnotherCache_ContinuesBitForBit(string kernels, int length)
    {
        using var source = Chain(kernels, blockSize: 4);
        using var target = Chain(kernels, blockSize: 3);
        source.Feed(1, Tokens[..length], 9, 1);
        target.Feed(8, Tokens, 9);
        target.PoisonCaches();
        Move(source, target, length);
        for (var p = length; p < Tokens.Length; p++)
        {
            Assert.Equal(source.Feed(1, [Tokens[p]], 1), target.Feed(1, [Tokens[p]], 1));
        }
    }

    /// <summary>Only what a later query still sees is moved: the window less one, or everything.</summary>
    [Fact]
    public void Export_WindowedLayer_HoldsTheWindowLessOne()
    {
        using var chain = Chain("torch", blockSize: 4);
        chain.Feed(1, Tokens[..21], 9);
        var transfer = new SequenceTransfer(Config, chain.Shards[0].Cache);
        const int PositionBytes = 2 * 2 * 16 * sizeof(float);
        Assert.Equal(21 * PositionBytes, transfer.LayerBytes(0, 21));
        Assert.Equal(3 * PositionBytes, transfer.LayerBytes(1, 21));
        Assert.Equal((0, 18), (transfer.FirstPosition(0, 21), transfer.FirstPosition(1, 21)));
        Assert.Equal(2 * PositionBytes, transfer.LayerBytes(1, 2));
        var state = chain.Tables[0].Find(new SequenceId(1))!;
        Assert.Equal(transfer.LayerBytes(1, 21), transfer.Export(state, 1).Length);
    }

    public static TheoryData<string, int> Lengths() => KernelSets.With([1, 3, 20, 29]);

    private static void Move(ShardChain source, ShardChain target, int length)
    {
        for (var i = 0; i < source.Shards.Count; i++)
        {
            var state = source.Tables[i].Find(new SequenceId(1))!;
            var copy = new SequenceState(state.Id, state.Start, Config.DistinctWindows.Count);
            copy.Tokens.AddRange(state.Tokens);
            foreach (var update in i == 0 ? target.Writer.Adopt(1, length) : [])
            {
                copy.Tables[update.Group].Add(update.Block);
            }

            var (from, to) = (new SequenceTransfer(Config, source.Shards[i].Cache), new SequenceTransfer(Config, target.Shards[i].Cache));
            for (var layer = source.Shards[i].Assignment.Layers.Start; layer < source.Shards[i].Assignment.Layers.End; layer++)
            {
                var bytes = from.Export(state, layer);
                to.Import(copy, layer, length, bytes);
                Assert.Equal(bytes, to.Export(copy, layer));
            }

            target.Tables[i].Import(copy);
        }
    }

    private static ShardChain Chain(string kernels, int blockSize) =>
        new(Weights, CacheSpecs.For(Config, blockSize, maxChunk: 9, maxLength: 40, sequences: 2), kernels);
}
