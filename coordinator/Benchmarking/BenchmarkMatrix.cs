namespace Pipeline.Coordinator.Benchmarking;

/// <summary>The lists whose combinations are tested. Zero tokens leave a kind of test out.</summary>
public sealed record BenchmarkMatrix(
    IReadOnlyList<int> PromptTokens, IReadOnlyList<int> GeneratedTokens, IReadOnlyList<int> Depths, IReadOnlyList<int> Batches, bool Weak)
{
    /// <summary>The tests of one stage count: prefill before decode, then by batch; weak scaling after strong, as far as it differs.</summary>
    public IReadOnlyList<BenchmarkTest> TestsFor(int stages)
    {
        List<BenchmarkTest> strong = [.. Shapes.SelectMany(shape => Batches, (shape, batch) => new BenchmarkTest(shape.Kind, shape.Tokens, shape.Depth, batch, BatchScaling.Strong, batch))];
        return Weak && stages > 1
            ? [.. strong, .. strong.Select(test => test with { Batch = test.Batch * stages, Scaling = BatchScaling.Weak })]
            : strong;
    }

    private IEnumerable<(TestKind Kind, int Tokens, int Depth)> Shapes =>
        PromptTokens.Where(tokens => tokens > 0).Select(tokens => (TestKind.Prefill, tokens, 0))
            .Concat(from tokens in GeneratedTokens where tokens > 0 from depth in Depths select (TestKind.Decode, tokens, depth));
}
