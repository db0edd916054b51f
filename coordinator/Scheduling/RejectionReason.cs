namespace Pipeline.Coordinator.Scheduling;

/// <summary>Why a request is not served.</summary>
public enum RejectionReason
{
    EmptyPrompt,
    NegativeMaxTokens,

    /// <summary>Prompt and answer do not fit the model's context.</summary>
    TooLong,

    /// <summary>The whole KV cache has fewer blocks than this sequence alone needs.</summary>
    CacheTooSmall,

    /// <summary>Too many wait already: the only one that passes. What was requested is the length of the queue.</summary>
    QueueFull,
}
