namespace Pipeline.Shared.Models;

/// <summary>How a checkpoint names its tensors and orders their rows.</summary>
public enum CheckpointLayout
{
    /// <summary><c>model.layers.0.self_attn.q_proj.weight</c>; query and key rows ordered for rotating halves.</summary>
    HuggingFace,

    /// <summary><c>layers.0.attention.wq.weight</c>; query and key rows ordered for rotating interleaved pairs.</summary>
    Mistral,

    /// <summary>As <see cref="Mistral"/>, but all experts of a layer stacked in one tensor, their down projections transposed.</summary>
    MistralStackedExperts,
}
