using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Shared.Tests.Models;

public class ModelSizeTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData("mistral-7b-v0.1", 7_241_732_096, 14_483_464_192)]
    [InlineData("mistral-7b-v0.2", 7_241_732_096, 14_483_464_192)]
    [InlineData("mistral-7b-v0.3", 7_248_023_552, 14_496_047_104)]
    [InlineData("mixtral-8x7b", 46_702_792_704, 93_405_585_408)]
    [InlineData("mixtral-8x22b", 140_620_634_112, 281_241_268_224)]
    [InlineData("mistral-nemo-12b", 12_247_782_400, 24_495_564_800)]
    [InlineData("mistral-small-22b", 22_247_282_688, 44_494_565_376)]
    [InlineData("mistral-small-24b", 23_572_403_200, 47_144_806_400)]
    [InlineData("ministral-8b", 8_019_808_256, 16_039_616_512)]
    [InlineData("mistral-large-2", 122_610_069_504, 245_220_139_008)]
    public void Total_ReleasedModel_IsThePublishedNumber(string name, long parameters, long bytes)
    {
        var size = new ModelSize(Known(name));
        Assert.Equal((parameters, bytes), (size.TotalParameters, size.TotalBytes));
    }

    [Fact]
    public void Total_Mixtral8x22BInstruct_HasTheLargerVocabulary()
    {
        var size = new ModelSize(Known("mixtral-8x22b") with { VocabularySize = 32768 });
        Assert.Equal((140_630_071_296, 281_260_142_592), (size.TotalParameters, size.TotalBytes));
    }

    [Fact]
    public void TotalBytes_LargestModelThatIsTaken_CanBeCounted()
    {
        var largest = Known("mixtral-8x7b") with
        {
            LayerCount = ConfigLimits.Layers,
            HiddenSize = ConfigLimits.HiddenSize,
            IntermediateSize = ConfigLimits.IntermediateSize,
            HeadCount = ConfigLimits.Heads,
            KvHeadCount = ConfigLimits.Heads,
            HeadDim = ConfigLimits.HeadDim,
            VocabularySize = ConfigLimits.VocabularySize,
            Moe = new MoeConfig(ConfigLimits.Experts, 2),
            WeightType = ElementType.Float32,
        };
        var cache = (Int128)new ModelSize(largest).KvBytesPerTokenPerLayer(ElementType.Float32) * ConfigLimits.Layers * ConfigLimits.Positions;

        Assert.InRange(new ModelSize(largest).TotalBytes, 1L << 60, long.MaxValue);
        Assert.InRange(cache, 0, long.MaxValue);
    }

    [Fact]
    public void Active_SparseModel_CountsTheVisitedExperts()
    {
        Assert.Equal(12_879_925_248, new ModelSize(Known("mixtral-8x7b")).ActiveParameters);
        Assert.InRange(new ModelSize(Known("mixtral-8x22b")).ActiveParameters, 39_145_000_000, 39_155_000_000);
        Assert.Equal(7_241_732_096, new ModelSize(Known("mistral-7b-v0.1")).ActiveParameters);
    }

    [Theory]
    [InlineData("mistral-7b-v0.1", 416)]
    [InlineData("mixtral-8x7b", 2768)]
    [InlineData("mixtral-8x22b", 4776)]
    [InlineData("mistral-nemo-12b", 520)]
    public void LayerBytes_ReleasedModel_IsThePlanningNumber(string name, long mebibytes) =>
        Assert.Equal(mebibytes, new ModelSize(Known(name)).LayerBytes / MiB);

    [Fact]
    public void EmbeddingAndHead_LargeVocabulary_WeighAsMuchAsLayers()
    {
        var nemo = new ModelSize(Known("mistral-nemo-12b"));
        Assert.Equal((1280 * MiB, 1280 * MiB), (nemo.EmbeddingBytes, nemo.HeadBytes));
        Assert.Equal(250 * MiB, new ModelSize(Known("mistral-7b-v0.1")).HeadBytes);
    }

    [Theory]
    [InlineData("mistral-7b-v0.1", 131_072)]
    [InlineData("mixtral-8x7b", 131_072)]
    [InlineData("mixtral-8x22b", 229_376)]
    [InlineData("mistral-nemo-12b", 163_840)]
    public void KvBytes_OverAllLayers_AreThePlanningNumber(string name, long bytes)
    {
        var config = Known(name);
        Assert.Equal(bytes, config.LayerCount * new ModelSize(config).KvBytesPerTokenPerLayer(ElementType.BFloat16));
    }

    [Fact]
    public void ParametersOf_Kinds_AddUpToLayerAndModel()
    {
        var size = new ModelSize(Known("mixtral-8x7b"));
        TensorKind[] ofModel = [TensorKind.Embedding, TensorKind.FinalNorm, TensorKind.Head];

        Assert.Equal(size.LayerParameters, Enum.GetValues<TensorKind>().Except(ofModel).Sum(size.ParametersOf));
        Assert.Equal(size.TotalParameters, (32 * size.LayerParameters) + ofModel.Sum(size.ParametersOf));
        Assert.Equal(8L * 4096 * 14336, size.ParametersOf(TensorKind.UpProjection));
    }

    [Fact]
    public void ParametersOf_Shards_AddUpToTheModel()
    {
        var size = new ModelSize(Known("ministral-8b"));
        var shards = ShardPlan.FromLayerCounts([9, 10, 10, 7]).Shards;

        Assert.Equal(size.TotalParameters, shards.Sum(size.ParametersOf));
        Assert.Equal((10 * size.LayerParameters) * 2, size.BytesOf(shards[1]));
        Assert.Equal((9 * size.LayerBytes) + size.EmbeddingBytes, size.BytesOf(shards[0]));
    }

    [Fact]
    public void Tied_Head_CountsOnceButTwiceAcrossShards()
    {
        var config = Known("bench-125m") with { TiedEmbeddings = true };
        var (tied, untied) = (new ModelSize(config), new ModelSize(config with { TiedEmbeddings = false }));

        Assert.Equal(untied.TotalParameters - untied.HeadParameters, tied.TotalParameters);
        Assert.Equal(0, tied.HeadParameters);
        Assert.Equal(untied.TotalParameters, ShardPlan.FromLayerCounts([6, 6]).Shards.Sum(tied.ParametersOf));
    }

    private static ModelConfig Known(string name) =>
        KnownModels.TryGet(name, out var config) ? config : throw new InvalidOperationException($"no model {name}");
}
