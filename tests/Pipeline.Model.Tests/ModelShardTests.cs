using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests;

public class ModelShardTests
{
    private static readonly Shared.Models.ModelConfig Config = TinyModels.PerLayerWindows.WithLayers(4);

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Forward_EmptyMicrobatch_OnlyForgetsWhatIsReleased(string kernels)
    {
        using var chain = new ShardChain(new RandomWeights(Config, seed: 1), Spec(), kernels, layerCounts: [2, 2]);
        chain.Feed(1, [1, 2, 3], 3);
        chain.Writer.Release(1);
        Assert.Empty(chain.Step());
        Assert.All(chain.Tables, table => Assert.Equal(0, table.Count));
        using var hidden = chain.Shards[0].Forward(chain.Tables[0].Admit(chain.Writer.Next()), null).Hidden!;
        Assert.Equal((0, Config.HiddenSize, 0), (hidden.Rows, hidden.Width, hidden.ByteCount));
    }

    /// <summary>A step leaves nothing behind: neither in the middle of the pipe nor at its ends.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Forward_ThousandSteps_LeavesNoTensorBehind(string kernels)
    {
        var config = TinyModels.Sparse.WithLayers(2);
        using var chain = new ShardChain(new RandomWeights(config, seed: 1), CacheSpecs.For(config, 4, 4, 2000, sequences: 2), kernels, layerCounts: [1, 1]);
        chain.Step(new PlannedSlice(1, [1, 2, 3]), new PlannedSlice(2, [4], LogitsRequest.Sample));
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var step = 0; step < 1000; step++)
        {
            chain.Step(
                new PlannedSlice(1, [step % 97], LogitsRequest.Sample),
                new PlannedSlice(2, [step % 89], step % 2 == 0 ? LogitsRequest.Raw | LogitsRequest.ScorePrompt : LogitsRequest.None));
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Dispose_Shard_GivesEverythingBack(string kernels)
    {
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var chain = new ShardChain(new RandomWeights(Config, seed: 1), Spec(), kernels, layerCounts: [2, 2]))
        {
            chain.Feed(1, [1, 2, 3], 3);
            chain.Shards[0].AllotCache(Spec());
            Assert.True(DisposeScopeManager.Statistics.ThreadTotalLiveCount > live);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void WeightBytes_WholeModel_CountsEveryElement(string kernels)
    {
        using var chain = new ShardChain(new RandomWeights(Config, seed: 1), Spec(), kernels, layerCounts: [1, 3]);
        double elements = Shared.Models.ModelTensors.Of(Config).Sum(slot => Shared.Models.ModelTensors.ShapeOf(Config, slot.Kind).ElementCount);
        double bytes = chain.Shards.Sum(shard => shard.WeightBytes);

        // Kernels may fill their tiles up, but not hold anything twice.
        Assert.InRange(bytes, elements * sizeof(float), elements * sizeof(float) * (kernels == KernelSelection.Torch ? 1 : 1.3));
    }

    [Fact]
    public void Cache_BeforeItIsAllotted_IsAnError()
    {
        using var source = new MemoryWeights(new RandomWeights(Config, 1), new(0, 1, new(0, 4)));
        using var shard = ModelShardLoader.Load(Config, new(0, 1, new(0, 4)), source, KernelSelection.Create("torch", Config, Shared.Models.ElementType.Float32, torch.CPU, 1), CancellationToken.None);
        Assert.Throws<InvalidOperationException>(() => shard.Cache);
    }

    private static Shared.Caching.KvCacheSpec Spec() => CacheSpecs.For(Config, blockSize: 4, maxChunk: 4, maxLength: 16, sequences: 2);
}
