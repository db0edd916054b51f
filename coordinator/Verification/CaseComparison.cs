using System.Text.Json.Serialization;

namespace Pipeline.Coordinator.Verification;

/// <summary>How far one case's output is from the expected one.</summary>
/// <param name="Largest">Where the logits differ most.</param>
/// <param name="IdenticalBits">All tokens and all compared logits are the same to the last bit.</param>
/// <param name="GreedyMatches">Generated tokens that are as expected, up to the first that is not: what follows it has another context.</param>
public sealed record CaseComparison(
    string Case, LogitDifference Largest, bool IdenticalBits, int GreedyMatches, int GreedyTokens, TokenMismatch? Mismatch, bool Passed)
{
    /// <summary>|difference| / |expected| of each compared position.</summary>
    [JsonIgnore]
    public IReadOnlyList<float> Shares { get; init; } = [];

    /// <summary>Tokens after an excused mismatch.</summary>
    public int NotCompared => Mismatch is { IsExcused: true } ? GreedyTokens - GreedyMatches - 1 : 0;
}
