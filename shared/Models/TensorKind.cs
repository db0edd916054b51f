namespace Pipeline.Shared.Models;

/// <summary>What a weight tensor is for, whatever a checkpoint calls it.</summary>
public enum TensorKind
{
    /// <summary>Token embedding, [vocabulary, hidden].</summary>
    Embedding,

    /// <summary>Norm before attention, [hidden].</summary>
    AttentionNorm,

    /// <summary>[heads * headDim, hidden], rows ordered for rotating halves.</summary>
    QueryProjection,

    /// <summary>[kvHeads * headDim, hidden], rows ordered for rotating halves.</summary>
    KeyProjection,

    /// <summary>[kvHeads * headDim, hidden].</summary>
    ValueProjection,

    /// <summary>[hidden, heads * headDim].</summary>
    OutputProjection,

    /// <summary>Norm before the feed-forward block, [hidden].</summary>
    FeedForwardNorm,

    /// <summary>Scores the experts of a sparse layer, [experts, hidden].</summary>
    Router,

    /// <summary>The half that goes through SiLU (Mistral: w1), [intermediate, hidden].</summary>
    GateProjection,

    /// <summary>The half that is multiplied in (Mistral: w3), [intermediate, hidden].</summary>
    UpProjection,

    /// <summary>Back to the residual stream (Mistral: w2), [hidden, intermediate].</summary>
    DownProjection,

    /// <summary>Norm after the last layer, [hidden].</summary>
    FinalNorm,

    /// <summary>Output head, [vocabulary, hidden].</summary>
    Head,
}
