namespace Pipeline.Shared.Sampling;

/// <summary>Why a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>A stop token or stop string.</summary>
    Stop,

    /// <summary>max_tokens or the model's context is used up.</summary>
    Length,

    /// <summary>The caller went away.</summary>
    Cancelled,
}
