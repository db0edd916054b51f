using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Shared.Tests.Models;

public class ModelTensorsTests
{
    private static readonly ModelConfig Dense = KnownModels.TryGet("mistral-nemo-12b", out var config) ? config : null!;

    private static readonly ModelConfig Sparse = KnownModels.TryGet("mixtral-8x7b", out var config) ? config : null!;

    [Theory]
    [InlineData(false, CheckpointLayout.HuggingFace, "model.embed_tokens.weight", "model.layers.39.mlp.down_proj.weight", 363)]
    [InlineData(false, CheckpointLayout.Mistral, "tok_embeddings.weight", "layers.39.feed_forward.w2.weight", 363)]
    [InlineData(true, CheckpointLayout.HuggingFace, "model.embed_tokens.weight", "model.layers.31.block_sparse_moe.experts.7.w2.weight", 995)]
    [InlineData(true, CheckpointLayout.Mistral, "tok_embeddings.weight", "layers.31.feed_forward.experts.7.w2.weight", 995)]
    [InlineData(true, CheckpointLayout.MistralStackedExperts, "tok_embeddings.weight", "layers.31.block_sparse_moe.w2", 323)]
    public void NameOf_WholeModel_IsTheReleasedNaming(
        bool isSparse, CheckpointLayout layout, string first, string lastOfLayers, int count)
    {
        var config = isSparse ? Sparse : Dense;
        var names = ModelTensors.Of(config).Select(slot => ModelTensors.NameOf(config, slot, layout)).ToList();

        Assert.Equal(first, names[0]);
        Assert.Equal(lastOfLayers, names[^3]);
        Assert.Equal(count, names.Distinct().Count());
    }

    [Fact]
    public void NameOf_OneSparseLayer_IsTheReleasedNaming()
    {
        var shard = new ShardAssignment(1, 3, new LayerRange(4, 5));
        var config = Sparse with { Moe = new MoeConfig(1, 1) };
        var slots = ModelTensors.Of(config, shard);

        string[] Names(CheckpointLayout layout) => [.. slots.Select(slot => TensorNames.Of(slot, layout))];

        Assert.Equal(
            [
                "input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                "post_attention_layernorm", "block_sparse_moe.gate", "block_sparse_moe.experts.0.w1",
                "block_sparse_moe.experts.0.w3", "block_sparse_moe.experts.0.w2",
            ],
            Names(CheckpointLayout.HuggingFace).Select(name => name["model.layers.4.".Length..^".weight".Length]));
        Assert.Equal(
            [
                "attention_norm", "attention.wq", "attention.wk", "attention.wv", "attention.wo", "ffn_norm",
                "feed_forward.gate", "feed_forward.experts.0.w1", "feed_forward.experts.0.w3", "feed_forward.experts.0.w2",
            ],
            Names(CheckpointLayout.Mistral).Select(name => name["layers.4.".Length..^".weight".Length]));
    }

    [Fact]
    public void NameOf_DenseGateAndUp_AreNotSwapped()
    {
        var (gate, up) = (TensorSlot.OfLayer(TensorKind.GateProjection, 0), TensorSlot.OfLayer(TensorKind.UpProjection, 0));

        Assert.Equal("layers.0.feed_forward.w1.weight", TensorNames.Of(gate, CheckpointLayout.Mistral));
        Assert.Equal("layers.0.feed_forward.w3.weight", TensorNames.Of(up, CheckpointLayout.Mistral));
        Assert.Equal("model.layers.0.mlp.gate_proj.weight", TensorNames.Of(gate, CheckpointLayout.HuggingFace));
        Assert.Equal("model.layers.0.mlp.up_proj.weight", TensorNames.Of(up, CheckpointLayout.HuggingFace));
    }

    [Theory]
    [InlineData(TensorKind.Embedding, "[131072, 5120]")]
    [InlineData(TensorKind.AttentionNorm, "[5120]")]
    [InlineData(TensorKind.QueryProjection, "[4096, 5120]")]
    [InlineData(TensorKind.KeyProjection, "[1024, 5120]")]
    [InlineData(TensorKind.ValueProjection, "[1024, 5120]")]
    [InlineData(TensorKind.OutputProjection, "[5120, 4096]")]
    [InlineData(TensorKind.GateProjection, "[14336, 5120]")]
    [InlineData(TensorKind.DownProjection, "[5120, 14336]")]
    public void ShapeOf_Nemo_KeepsHeadsApartFromHiddenSize(TensorKind kind, string expected) =>
        Assert.Equal(expected, ModelTensors.ShapeOf(Dense, kind).ToString());

    [Fact]
    public void Of_AnySplit_PartitionsTheModel()
    {
        for (var stages = 1; stages <= 8; stages++)
        {
            var counts = Enumerable.Range(0, stages).Select(stage => (32 / stages) + (stage < 32 % stages ? 1 : 0)).ToList();
            var union = ShardPlan.FromLayerCounts(counts).Shards.SelectMany(shard => ModelTensors.Of(Sparse, shard));
            Assert.Equal(ModelTensors.Of(Sparse), union);
        }
    }

    [Fact]
    public void Of_TiedEmbeddings_HeadIsListedWhereTheEmbeddingIsNot()
    {
        var tied = Dense with { TiedEmbeddings = true };
        var head = TensorSlot.OfModel(TensorKind.Head);

        Assert.DoesNotContain(head, ModelTensors.Of(tied));
        Assert.Contains(head, ModelTensors.Of(tied, new ShardAssignment(1, 2, new LayerRange(20, 40))));
        Assert.Equal("model.embed_tokens.weight", ModelTensors.NameOf(tied, head, CheckpointLayout.HuggingFace));
        Assert.Equal("lm_head.weight", ModelTensors.NameOf(Dense, head, CheckpointLayout.HuggingFace));
    }
}
