using Pipeline.Coordinator.Sharding;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Sharding;

public class LayerCostsTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [MemberData(nameof(ModelShapes.PublishedBytes), MemberType = typeof(ModelShapes))]
    public void Of_AnyCut_SumsToThePublishedBytes(string model, long bytes)
    {
        var config = ModelShapes.Named(model);
        var costs = LayerCosts.Of(config, ElementType.BFloat16);
        for (var stages = 1; stages <= 8; stages++)
        {
            var plan = ShardPlanner.Plan(config, ElementType.BFloat16, stages, new EvenPartition());
            Assert.Equal(bytes, plan.Shards.Sum(shard => costs.Of(shard).WeightBytes));
            Assert.Equal(costs.Layers.Sum(layer => layer.Tensors) + 3, plan.Shards.Sum(shard => costs.Of(shard).Tensors));
        }
    }

    [Fact]
    public void Of_Mixtral_ReadsOnlyActiveExperts()
    {
        var config = ModelShapes.Mixtral8x7B;
        var read = LayerCosts.Of(config, ElementType.BFloat16).Of(new ShardAssignment(0, 1, new LayerRange(0, 32))).BytesPerToken;

        // The published count of active parameters has the whole embedding in it; a token gathers one row.
        const long active = 12_879_925_248;
        Assert.Equal(2 * (active - (31_999L * 4096)), read);
    }

    [Fact]
    public void Of_PlanningNumbers_AreTheKnownSizes()
    {
        Assert.Equal(416, LayerCosts.Of(ModelShapes.Mistral7B, ElementType.BFloat16).Layers[0].WeightBytes / MiB);
        Assert.Equal(2768, LayerCosts.Of(ModelShapes.Mixtral8x7B, ElementType.BFloat16).Layers[0].WeightBytes / MiB);
        Assert.Equal(1280 * MiB, LayerCosts.Of(ModelShapes.Nemo, ElementType.BFloat16).Embedding.WeightBytes);
    }

    [Fact]
    public void Of_Layers_CountTensorsAsTheCheckpointDoes()
    {
        // q, k, v, o, two norms; gate, up, down. Mixtral: a router and three per expert.
        Assert.Equal(9, LayerCosts.Of(ModelShapes.Mistral7B, ElementType.BFloat16).Layers[0].Tensors);
        Assert.Equal(6 + 1 + (8 * 3), LayerCosts.Of(ModelShapes.Mixtral8x7B, ElementType.BFloat16).Layers[0].Tensors);
    }

    [Fact]
    public void Of_TiedEmbeddings_AreStoredOnceOnASingleStageOnly()
    {
        var config = ModelShapes.Mistral7B;
        var untied = LayerCosts.Of(config, ElementType.BFloat16);
        var tied = LayerCosts.Of(config with { TiedEmbeddings = true }, ElementType.BFloat16);
        var whole = ShardPlan.FromLayerCounts([32]).Shards;
        var halves = ShardPlan.FromLayerCounts([16, 16]).Shards;

        Assert.Equal(250 * MiB, untied.Of(whole[0]).WeightBytes - tied.Of(whole[0]).WeightBytes);
        Assert.Equal(untied.Of(whole[0]).BytesPerToken, tied.Of(whole[0]).BytesPerToken);
        Assert.Equal(halves.Select(untied.Of), halves.Select(tied.Of));
    }

    [Fact]
    public void Of_Float32_DoublesBytesAndNothingElse()
    {
        var half = LayerCosts.Of(ModelShapes.Mixtral8x7B, ElementType.BFloat16);
        var full = LayerCosts.Of(ModelShapes.Mixtral8x7B, ElementType.Float32);

        Assert.Equal(2 * half.Layers[0].WeightBytes, full.Layers[0].WeightBytes);
        Assert.Equal(2 * half.Head.BytesPerToken, full.Head.BytesPerToken);
        Assert.Equal(half.Layers[0].Tensors, full.Layers[0].Tensors);
    }
}
