namespace Pipeline.Coordinator.Scheduling;

/// <summary>Why a request can never be served.</summary>
public enum RejectionReason
{
    EmptyPrompt,
    NegativeMaxTokens,

    /// <summary>Prompt and answer do not fit the model's context.</summary>
    TooLong,

    /// <summary>The whole KV cache has fewer blocks than this sequence alone needs.</summary>
    CacheTooSmall,
}
