using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Decoding;

/// <summary>V-3: one changed token reaches exactly W - 1 positions further with every layer.</summary>
public class ReceptiveFieldTests
{
    private const int Length = 48;
    private const int Changed = 6;

    [Theory]
    [MemberData(nameof(Depths))]
    public void Logits_DenseModel_ChangeExactlyInTheReceptiveField(string kernels, int layers)
    {
        for (var window = 2; window <= 5; window++)
        {
            AssertField(kernels, TinyModels.Dense.WithLayers(layers).WithWindow(window), window, [layers]);
        }
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Logits_DenseModelOverFourShards_ChangeExactlyInTheReceptiveField(string kernels) =>
        AssertField(kernels, TinyModels.Dense.WithWindow(4), 4, [2, 2, 2, 2]);

    /// <summary>
    /// Experts couple rows through the number of rows they multiply, so outside the field a rounding error is allowed.
    /// </summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Logits_SparseModel_StayCloseOutsideTheReceptiveField(string kernels)
    {
        var config = TinyModels.Sparse.WithLayers(4);
        var (before, after) = Run(kernels, config, [4]);
        var last = Changed + (4 * (4 - 1));
        for (var p = 0; p < Length; p++)
        {
            var change = before[p].Zip(after[p], (a, b) => Math.Abs(a - b)).Max();
            Assert.True(p < Changed || p > last ? change <= Close.Tolerance : p != Changed || change > Close.Tolerance, $"position {p} moved by {change}");
        }
    }

    public static TheoryData<string, int> Depths() => KernelSets.With([1, 2, 3, 5, 8]);

    private static void AssertField(string kernels, Shared.Models.ModelConfig config, int window, int[] split)
    {
        var (before, after) = Run(kernels, config, split);
        var last = Changed + (config.LayerCount * (window - 1));
        var moved = Enumerable.Range(0, Length).Where(p => !before[p].SequenceEqual(after[p]));
        Assert.Equal(Enumerable.Range(Changed, last - Changed + 1), moved);
    }

    private static (float[][] Before, float[][] After) Run(string kernels, Shared.Models.ModelConfig config, int[] split)
    {
        var weights = new RandomWeights(config, seed: 77);
        var tokens = RandomTokens.Of(Length, config.VocabularySize, seed: 3);
        var spec = CacheSpecs.For(config, blockSize: 4, maxChunk: Length, maxLength: Length, sequences: 2);
        var other = (int[])tokens.Clone();
        other[Changed] = (tokens[Changed] + 1) % config.VocabularySize;
        using var first = new ShardChain(weights, spec, kernels, layerCounts: split);
        using var second = new ShardChain(weights, spec, kernels, layerCounts: split);
        return (first.Feed(1, tokens, Length), second.Feed(1, other, Length));
    }
}
