using Pipeline.Coordinator.Scheduling;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;
using Pipeline.TestKit.Batching;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>The number of microbatches changes who travels with whom, and nothing that comes out.</summary>
public sealed class MicrobatchCountTests(WorkerPool pool)
{
    private const int Vocabulary = 512;
    private const float Tolerance = 1e-4f;

    [Theory]
    [InlineData("random-mistral", 8, new[] { 2, 4, 8 })]
    [InlineData("random-mixtral", 7, new[] { 3 })]
    public async Task Results_OfAnyNumberOfMicrobatches_AreTheSameInTheOrderOfTheRequests(string model, int sequences, int[] microbatchCounts)
    {
        var requests = Enumerable.Range(0, sequences).Select(Request).ToList();
        var expected = await RunAsync(model, 1, requests);

        foreach (var microbatches in microbatchCounts)
        {
            var results = await RunAsync(model, microbatches, requests);

            foreach (var (number, (one, many)) in expected.Zip(results).Index())
            {
                AssertSame(one, many, $"{microbatches} microbatches, sequence {number}");
            }
        }
    }

    private async Task<IReadOnlyList<GeneratedSequence>> RunAsync(string model, int microbatches, IEnumerable<SequenceRequest> requests)
    {
        var settings = TestPipelines.SettingsFor(Fixtures.At(model), stages: 3) with { Microbatches = microbatches, MaxBatchedTokens = 32 };
        await using var pipeline = await TestPipelines.StartAsync(settings, await pool.TakeAsync(3));
        await using var loop = TestPipelines.LoopOf(pipeline);
        return await GeneratedSequence.RunAsync(loop, requests);
    }

    /// <summary>Prompts of 1 to 36 tokens, each its own, and answers of different lengths.</summary>
    private static SequenceRequest Request(int number) => new()
    {
        Prompt = RandomTokens.Of(1 + (5 * number), Vocabulary, seed: 100 + number),
        MaxTokens = 6 + number,
        Sampling = new() { Temperature = 0 },
        RawLogits = true,
    };

    private static void AssertSame(GeneratedSequence one, GeneratedSequence many, string where)
    {
        Assert.Equal(one.FinishReason, many.FinishReason);
        Assert.Equal(one.Logits.Length, many.Logits.Length);
        var largest = one.Logits.Zip(many.Logits, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(largest < Tolerance, $"{where}: logits differ by {largest}");
        Assert.Equal(one.Tokens, many.Tokens);
    }
}
