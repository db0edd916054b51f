namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Sets every result against the same test on one stage, where there is one.</summary>
public static class StageComparison
{
    public static IReadOnlyList<BenchmarkResult> Complete(IReadOnlyList<BenchmarkResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        var single = results.Where(result => result.Stages == 1).ToDictionary(result => KeyOf(result.Definition), result => result.TokensPerSecond.Mean);
        return [.. results.Select(result => single.TryGetValue(KeyOf(result.Definition), out var one) ? result with { VersusOneStage = result.TokensPerSecond.Mean / one } : result)];
    }

    private static (TestKind, int, int, int) KeyOf(BenchmarkTest test) => (test.Kind, test.Tokens, test.Depth, test.BatchUnit);
}
