using System.Globalization;

namespace Pipeline.Coordinator.Verification;

/// <summary>Most tokens of a step, and so the longest chunk of a prompt; null is enough for all prompts at once.</summary>
public readonly record struct ChunkSize(int? Tokens)
{
    /// <summary>The word for all prompts at once.</summary>
    public const string All = "all";

    public int MaxBatchedTokens(IReadOnlyList<VerificationCase> cases) => Tokens ?? cases.Sum(item => item.Prompt.Count);

    public override string ToString() => Tokens?.ToString(CultureInfo.InvariantCulture) ?? All;
}
