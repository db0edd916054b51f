namespace Pipeline.Coordinator.Verification;

/// <summary>All cases on one pipeline with one size of steps: a row of the report.</summary>
/// <param name="Chunk">The size as it was asked for: a number of tokens, or all.</param>
/// <param name="TypicalDifference">Median over the positions of all cases: |difference| / |expected|.</param>
/// <param name="Failures">The cases that differ too much.</param>
/// <param name="Excused">The cases whose tokens part at a near tie.</param>
public sealed record PipelineComparison(
    int Stages,
    string Chunk,
    int MaxBatchedTokens,
    int Microbatches,
    float LargestDifference,
    float TypicalDifference,
    bool IdenticalBits,
    int GreedyMatches,
    int GreedyTokens,
    int NotCompared,
    bool Passed,
    IReadOnlyList<CaseComparison> Failures,
    IReadOnlyList<CaseComparison> Excused)
{
    public static PipelineComparison Of(int stages, ChunkSize chunk, int maxBatchedTokens, int microbatches, IReadOnlyList<CaseComparison> cases, Tolerance tolerance) => new(
        stages,
        chunk.ToString(),
        maxBatchedTokens,
        microbatches,
        Largest(cases),
        Typical(cases),
        cases.All(item => item.IdenticalBits),
        cases.Sum(item => item.GreedyMatches),
        cases.Sum(item => item.GreedyTokens),
        cases.Sum(item => item.NotCompared),
        cases.All(item => item.Passed) && tolerance.AllowsTypically(Typical(cases)),
        [.. cases.Where(item => !item.Passed)],
        [.. cases.Where(item => item is { Passed: true, Mismatch: not null })]);

    /// <summary>One that is no number makes it none.</summary>
    private static float Typical(IReadOnlyList<CaseComparison> cases)
    {
        float[] shares = [.. cases.SelectMany(item => item.Shares)];
        if (shares.Length == 0 || shares.Any(float.IsNaN))
        {
            return shares.Length == 0 ? 0 : float.NaN;
        }

        Array.Sort(shares);
        return shares[shares.Length / 2];
    }

    /// <summary>Max takes a NaN for smaller than any number; here it is the worst.</summary>
    private static float Largest(IReadOnlyList<CaseComparison> cases) =>
        cases.Select(item => item.Largest.Magnitude).Aggregate(0f, (largest, next) => float.IsNaN(largest) || next <= largest ? largest : next);
}
