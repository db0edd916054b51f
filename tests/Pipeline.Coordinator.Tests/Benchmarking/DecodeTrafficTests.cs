using Pipeline.Coordinator.Benchmarking;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class DecodeTrafficTests
{
    // Per layer: q 4*8, k 2*8, v 2*8, o 8*4, norms 2*8 = 112, feed-forward 3*16*8 = 384. Head 10*8, final norm 8.
    private static readonly ModelConfig Dense = new()
    {
        Name = "dense",
        HiddenSize = 8,
        LayerCount = 3,
        HeadCount = 2,
        KvHeadCount = 1,
        HeadDim = 2,
        IntermediateSize = 16,
        VocabularySize = 10,
        NormEpsilon = 1e-5,
        RopeTheta = 1e4,
        WindowPattern = [null, 5, 5],
        MaxPositions = 100,
    };

    private static readonly ModelConfig Sparse = Dense with { Moe = new MoeConfig(4, 2) };

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void WeightBytes_Dense_IsEverythingButTheEmbedding(int sequences) =>
        Assert.Equal(4 * ((3 * (112 + 384)) + 80 + 8), new DecodeTraffic(Dense, ElementType.Float32).WeightBytes(sequences), 6);

    [Fact]
    public void WeightBytes_TiedHead_IsReadAllTheSame() => Assert.Equal(
        new DecodeTraffic(Dense, ElementType.Float32).WeightBytes(1), new DecodeTraffic(Dense with { TiedEmbeddings = true }, ElementType.Float32).WeightBytes(1), 6);

    // One sequence visits 2 of 4 experts, two of them 4 * (1 - 1/4) = 3, very many all.
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 3.5)]
    [InlineData(60, 4)]
    public void WeightBytes_Sparse_CountsTheExpectedDistinctExperts(int sequences, double experts) =>
        Assert.Equal(2 * ((3 * (112 + (4 * 8) + (experts * 384))) + 80 + 8), new DecodeTraffic(Sparse, ElementType.BFloat16).WeightBytes(sequences), 6);

    [Fact]
    public void WeightBytes_SparseAtEqualVisits_AgreesWithDrawingExperts()
    {
        // An independent oracle: draw 2 different experts of 4 for each of 3 sequences, all 6^3 ways.
        int[] pairs = [0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100];
        var distinct = (from a in pairs from b in pairs from c in pairs select (double)int.PopCount(a | b | c)).Average();
        Assert.Equal(2 * ((3 * (112 + (4 * 8) + (distinct * 384))) + 80 + 8), new DecodeTraffic(Sparse, ElementType.BFloat16).WeightBytes(3), 6);
    }

    // One token of one layer: 2 * 1 head * 2 wide * 4 bytes = 16. At position 6 the full layer sees 7, the windows 5 each.
    [Theory]
    [InlineData(0, 3 * 1)]
    [InlineData(4, 3 * 5)]
    [InlineData(6, 7 + 5 + 5)]
    public void CacheBytes_WindowedLayers_AreBoundedByTheirWindow(int position, int keys) =>
        Assert.Equal(16 * keys, new DecodeTraffic(Dense, ElementType.Float32).CacheBytes(position), 6);

    [Fact]
    public void RoundBytes_UnevenBatch_ReadsTheWeightsOncePerMicrobatch()
    {
        var traffic = new DecodeTraffic(Sparse, ElementType.BFloat16);
        Assert.Equal(traffic.WeightBytes(3) + (2 * traffic.WeightBytes(2)) + (7 * 1000), traffic.RoundBytes(7, 3, 1000), 6);
    }

    [Fact]
    public void MeanCacheBytes_Decode_IsTheMeanOverItsPositions()
    {
        var test = new BenchmarkTest(TestKind.Decode, 2, 6, 1, BatchScaling.Strong, 1);
        Assert.Equal(16 * (17 + 18) / 2.0, new DecodeTraffic(Dense, ElementType.Float32).MeanCacheBytes(test), 6);
    }
}
