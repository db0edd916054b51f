namespace Pipeline.Shared.Sampling;

/// <summary>
/// How to choose the next token. With the logits and the position these decide the token alone: nothing else, no state of
/// a generator, enters a draw.
/// </summary>
public sealed record SamplingParams
{
    /// <summary>0 is greedy: the largest logit, ties to the lowest id.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Nucleus: drop a token when the mass before it is strictly greater than this. 1 is off.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keep the k most probable tokens; 0 is off.</summary>
    public int TopK { get; init; }

    /// <summary>Drop tokens less probable than this share of the most probable one; 0 is off.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen in prompt or answer; 1 is off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logits of tokens already generated.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted per occurrence from the logits of tokens already generated.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of single tokens.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    public ulong Seed { get; init; }

    /// <summary>Alternatives to report with each token's log-probability; null reports none at all.</summary>
    public int? Logprobs { get; init; }

    /// <summary>These cannot be drawn before <see cref="MinTokens"/> tokens were generated.</summary>
    public IReadOnlyList<int> StopTokenIds { get; init; } = [];

    public int MinTokens { get; init; }
}
