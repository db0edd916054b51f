using Pipeline.Shared.Models;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Decoding;

/// <summary>V-15 and V-28: however the layers are cut, the logits are the same to the last bit.</summary>
public class SplitTests
{
    private static readonly int[][] Splits8 = [[4, 4], [3, 3, 2], [1, 5, 1, 1], [2, 2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 1]];
    private static readonly int[][] Splits9 = [[5, 4], [3, 3, 3], [2, 3, 3, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1]];

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Logits_SparseModel_DoNotDependOnTheSplit(string kernels) => AssertSame(kernels, TinyModels.Sparse, Splits8, ElementType.Float32);

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Logits_NineLayers_DoNotDependOnTheSplit(string kernels) => AssertSame(kernels, TinyModels.Sparse.WithLayers(9), Splits9, ElementType.Float32);

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Logits_TiedEmbeddings_DoNotDependOnTheSplit(string kernels) =>
        AssertSame(kernels, TinyModels.Dense with { TiedEmbeddings = true }, Splits8, ElementType.Float32);

    /// <summary>Windows follow the global layer: four shards of two layers see null, 4 | 4, 4 | null, 4 | 4, 4.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Logits_PerLayerWindows_DoNotDependOnTheSplitAndEqualTheOracle(string kernels)
    {
        var rows = AssertSame(kernels, TinyModels.PerLayerWindows, Splits8, ElementType.Float32);
        var tokens = Tokens(TinyModels.PerLayerWindows);
        Close.Rows(new OracleModel(new RandomWeights(TinyModels.PerLayerWindows, seed: 21)).Run(tokens), rows);
    }

    /// <summary>Activations travel in the type that the shards compute in, so nothing is rounded between them.</summary>
    [Fact]
    public void Logits_BFloat16_DoNotDependOnTheSplit() => AssertSame("torch", TinyModels.Sparse, Splits8, ElementType.BFloat16);

    private static float[][] AssertSame(string kernels, ModelConfig config, int[][] splits, ElementType type)
    {
        var whole = Run(kernels, config, [config.LayerCount], type);
        foreach (var split in splits)
        {
            Assert.Equal(whole, Run(kernels, config, split, type));
        }

        return whole;
    }

    private static float[][] Run(string kernels, ModelConfig config, int[] split, ElementType type)
    {
        var spec = CacheSpecs.For(config, blockSize: 4, maxChunk: 9, maxLength: 40, sequences: 1);
        using var chain = new ShardChain(new RandomWeights(config, seed: 21), spec, kernels, type, split);
        return chain.Feed(1, Tokens(config), 9, 1, 7, 1);
    }

    private static int[] Tokens(ModelConfig config) => RandomTokens.Of(24, config.VocabularySize, seed: 4);
}
