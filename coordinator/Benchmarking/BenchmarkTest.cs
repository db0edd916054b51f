namespace Pipeline.Coordinator.Benchmarking;

/// <summary>What one row of the table measures: prompts of a length, or tokens generated on top of a context, for a batch of sequences.</summary>
/// <param name="Tokens">Of each sequence: its prompt, or what it generates.</param>
/// <param name="Depth">Tokens in the cache before the first measured one; for decode only.</param>
/// <param name="Batch">Sequences at the same time, over all stages.</param>
/// <param name="BatchUnit">With weak scaling the sequences that each stage brings, otherwise the batch: what the same test has on one stage.</param>
public sealed record BenchmarkTest(TestKind Kind, int Tokens, int Depth, int Batch, BatchScaling Scaling, int BatchUnit)
{
    private const int SmallestUsualChunk = 256;
    private const int StepsInFlight = 16;

    /// <summary>In the way of llama-bench, for instance <c>pp512</c>, <c>tg128@1024 x16</c>, <c>tg128 x4/stage</c>.</summary>
    public string Name
    {
        get
        {
            var what = $"{(Kind == TestKind.Prefill ? "pp" : "tg")}{Tokens}{(Depth > 0 ? $"@{Depth}" : "")}";
            return (Scaling, Batch) switch
            {
                (BatchScaling.Weak, _) => $"{what} x{BatchUnit}/stage",
                (_, 1) => what,
                _ => $"{what} x{Batch}",
            };
        }
    }

    /// <summary>A decode test needs something to continue.</summary>
    public int PromptLength => Kind == TestKind.Prefill ? Tokens : Math.Max(1, Depth);

    /// <summary>Tokens that a sequence has to be able to generate: the first one belongs to the prompt.</summary>
    public int MinimumTokens => Kind == TestKind.Prefill ? 1 : 1 + Tokens;

    /// <summary>
    /// What a sequence asks for. The first of a batch decode while prompts of the others are still computed; with this head
    /// start none of them ends before the measured tokens are there.
    /// </summary>
    public int WantedTokens => Kind == TestKind.Prefill ? 1 : MinimumTokens + StepsInFlight + (Batch * ((PromptLength + SmallestUsualChunk - 1) / SmallestUsualChunk));

    /// <summary>Tokens that a sequence asks for where prompt and answer end at a limit.</summary>
    public int WantedTokensWithin(int maxModelLength) => Math.Min(WantedTokens, maxModelLength - PromptLength);

    /// <summary>What all sequences together bring to the result.</summary>
    public int MeasuredTokens => Tokens * Batch;
}
