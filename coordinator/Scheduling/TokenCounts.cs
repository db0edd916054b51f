namespace Pipeline.Coordinator.Scheduling;

/// <summary>Tokens sent into the pipe, by what they were: of prompts, or the one new token of a decode.</summary>
public readonly record struct TokenCounts(long Prefill, long Decode)
{
    public static TokenCounts operator +(TokenCounts left, TokenCounts right) => new(left.Prefill + right.Prefill, left.Decode + right.Decode);
}
