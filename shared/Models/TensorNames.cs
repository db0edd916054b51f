namespace Pipeline.Shared.Models;

/// <summary>What the checkpoint layouts call the weights.</summary>
public static class TensorNames
{
    /// <summary>
    /// Name of a weight in a layout. With <see cref="CheckpointLayout.MistralStackedExperts"/> the experts of a layer share one name.
    /// </summary>
    public static string Of(TensorSlot slot, CheckpointLayout layout) => layout switch
    {
        CheckpointLayout.HuggingFace => HuggingFace(slot),
        CheckpointLayout.Mistral => Mistral(slot),
        CheckpointLayout.MistralStackedExperts => MistralStackedExperts(slot),
        _ => throw new ArgumentOutOfRangeException(nameof(layout), layout, "unknown checkpoint layout"),
    };

    private static string HuggingFace(TensorSlot slot)
    {
        var layer = $"model.layers.{slot.Layer}";
        return slot.Kind switch
        {
            TensorKind.Embedding => "model.embed_tokens.weight",
            TensorKind.AttentionNorm => $"{layer}.input_layernorm.weight",
            TensorKind.QueryProjection => $"{layer}.self_attn.q_proj.weight",
            TensorKind.KeyProjection => $"{layer}.self_attn.k_proj.weight",
            TensorKind.ValueProjection => $"{layer}.self_attn.v_proj.weight",
            TensorKind.OutputProjection => $"{layer}.self_attn.o_proj.weight",
            TensorKind.FeedForwardNorm => $"{layer}.post_attention_layernorm.weight",
            TensorKind.Router => $"{layer}.block_sparse_moe.gate.weight",
            TensorKind.FinalNorm => "model.norm.weight",
            TensorKind.Head => "lm_head.weight",
            _ when slot.Expert >= 0 => $"{layer}.block_sparse_moe.experts.{slot.Expert}.{MistralProjection(slot.Kind)}.weight",
            TensorKind.GateProjection => $"{layer}.mlp.gate_proj.weight",
            TensorKind.UpProjection => $"{layer}.mlp.up_proj.weight",
            TensorKind.DownProjection => $"{layer}.mlp.down_proj.weight",
            _ => throw Unknown(slot.Kind),
        };
    }

    private static string Mistral(TensorSlot slot)
    {
        var layer = $"layers.{slot.Layer}";
        return slot.Kind switch
        {
            TensorKind.Embedding => "tok_embeddings.weight",
            TensorKind.AttentionNorm => $"{layer}.attention_norm.weight",
            TensorKind.QueryProjection => $"{layer}.attention.wq.weight",
            TensorKind.KeyProjection => $"{layer}.attention.wk.weight",
            TensorKind.ValueProjection => $"{layer}.attention.wv.weight",
            TensorKind.OutputProjection => $"{layer}.attention.wo.weight",
            TensorKind.FeedForwardNorm => $"{layer}.ffn_norm.weight",
            TensorKind.Router => $"{layer}.feed_forward.gate.weight",
            TensorKind.FinalNorm => "norm.weight",
            TensorKind.Head => "output.weight",
            _ when slot.Expert >= 0 => $"{layer}.feed_forward.experts.{slot.Expert}.{MistralProjection(slot.Kind)}.weight",
            _ => $"{layer}.feed_forward.{MistralProjection(slot.Kind)}.weight",
        };
    }

    private static string MistralStackedExperts(TensorSlot slot) => slot.Kind switch
    {
        TensorKind.Router => $"layers.{slot.Layer}.block_sparse_moe.gate.weight",
        _ when slot.Expert >= 0 => $"layers.{slot.Layer}.block_sparse_moe.{MistralProjection(slot.Kind)}",
        _ => Mistral(slot),
    };

    private static string MistralProjection(TensorKind kind) => kind switch
    {
        TensorKind.GateProjection => "w1",
        TensorKind.DownProjection => "w2",
        TensorKind.UpProjection => "w3",
        _ => throw Unknown(kind),
    };

    private static ArgumentOutOfRangeException Unknown(TensorKind kind) =>
        new(nameof(kind), kind, "a tensor kind without a name");
}
