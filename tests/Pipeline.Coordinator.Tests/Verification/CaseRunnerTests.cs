using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tests.Scheduling;
using Pipeline.Coordinator.Verification;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Verification;

public class CaseRunnerTests
{
    private const int MaxLength = 48;
    private static readonly KvCacheSpec Cache = new(4, [new KvCacheGroup(null, MaxLength / 4, 5 * MaxLength / 4)]);

    private static readonly VerificationCase[] Cases =
    [
        new("case0", [1], 5),
        new("case1", [4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 1], 3),
        new("case2", [0, 0, 2], 0),
        new("case3", [.. Enumerable.Range(0, 30).Select(i => i % 5)], 12),
    ];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(7, 2)]
    [InlineData(45, 1)]
    public async Task Run_AnyChunkAndMicrobatches_BringsEveryRowAndTokenInOrder(int chunk, int microbatches)
    {
        var outputs = await RunAsync(new ToyPipeline(Cache), chunk, microbatches);

        Assert.Equal(Cases.Length, outputs.Count);
        foreach (var (item, output) in Cases.Zip(outputs))
        {
            var (tokens, logits) = Alone(item);
            Assert.Equal(tokens, output.Tokens);
            Assert.Equal(logits, output.Logits);
        }
    }

    [Fact]
    public async Task Run_OneMicrobatch_SendsAllPromptsInTheFirstStep()
    {
        for (var repetition = 0; repetition < 20; repetition++)
        {
            var pipeline = new ToyPipeline(Cache);
            await RunAsync(pipeline, chunk: 45, microbatches: 1);

            Assert.Equal(Cases.Select(item => item.Prompt.Count), pipeline.Microbatches[0].Slices.Select(slice => slice.Tokens.Length));
        }
    }

    [Fact]
    public async Task Run_Ends_StagesHaveForgottenEverySequence()
    {
        var pipeline = new ToyPipeline(Cache);
        await RunAsync(pipeline, chunk: 7, microbatches: 2);

        var started = pipeline.Microbatches.SelectMany(step => step.Slices).Where(slice => slice.Start is not null).Select(slice => slice.Sequence);
        Assert.Equal(started.Order(ById), pipeline.Microbatches.SelectMany(step => step.Released).Order(ById));
    }

    private static Comparer<SequenceId> ById { get; } = Comparer<SequenceId>.Create((left, right) => left.Value.CompareTo(right.Value));

    private static Task<IReadOnlyList<CaseOutput>> RunAsync(ToyPipeline pipeline, int chunk, int microbatches)
    {
        var options = new SchedulerOptions { Epoch = new PlanEpoch(1), MaxSequences = Cases.Length, MaxBatchedTokens = chunk, Microbatches = microbatches, MaxModelLength = MaxLength };
        return new CaseRunner(pipeline, options, Cache, ToyModel.Vocabulary).RunAsync(Cases, TestContext.Current.CancellationToken);
    }

    /// <summary>What the toy model says without any pipeline, scheduler or chunk.</summary>
    private static (List<int> Tokens, List<float> Logits) Alone(VerificationCase item)
    {
        var history = item.Prompt.ToList();
        var tokens = new List<int>();
        for (var i = 0; i < item.MaxTokens; i++)
        {
            tokens.Add(ToyModel.NextToken(history.ToArray(), i, new SamplingParams()));
            history.Add(tokens[^1]);
        }

        return (tokens, [.. Enumerable.Range(1, item.Rows).SelectMany(length => ToyModel.Logits(history.Take(length).ToArray()))]);
    }
}
