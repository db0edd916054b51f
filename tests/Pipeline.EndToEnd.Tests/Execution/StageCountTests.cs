using System.Runtime.InteropServices;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;
using Pipeline.TestKit;
using Pipeline.TestKit.Batching;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>A pipeline of any number of processes computes what one process does, to the last bit, from the same microbatches.</summary>
public sealed class StageCountTests(WorkerPool pool)
{
    private const int Decodes = 20;

    [Theory]
    [InlineData("tests/fixtures/random-mistral", "torch", new[] { 2, 3, 4, 6 })]
    [InlineData("tests/fixtures/random-mixtral", "torch", new[] { 2, 3, 4 })]
    [InlineData("models/tiny-mixtral", "torch", new[] { 2, 3, 4, 6, 8 })]
    [InlineData("models/tiny-mixtral", "cpu", new[] { 3, 8 })]
    public async Task Logits_OfAnyNumberOfStages_AreThoseOfOneStageBitForBit(string model, string kernels, int[] stageCounts)
    {
        var folder = Path.Combine(Fixtures.RepositoryRoot, model);
        var expected = await RunAsync(folder, kernels, 1);
        Assert.All(expected, result => Assert.All(result.Logits!, logit => Assert.True(float.IsFinite(logit))));
        Assert.Equal(6 + (3 * Decodes), expected.Count);

        foreach (var stages in stageCounts)
        {
            AssertSame(expected, await RunAsync(folder, kernels, stages), $"{stages} stages");
        }
    }

    [Theory]
    [InlineData("tests/fixtures/random-mixtral", 1)]
    [InlineData("models/tiny-mixtral", 4)]
    public async Task Logits_ThroughMemoryAndOverTheNetwork_AreTheSameBits(string model, int stages)
    {
        var folder = Path.Combine(Fixtures.RepositoryRoot, model);
        AssertSame(await RunAsync(folder, "cpu", stages, HopTransport.Grpc), await RunAsync(folder, "cpu", stages, HopTransport.Ipc), "through memory");
    }

    private static void AssertSame(IReadOnlyList<SliceResult> expected, IReadOnlyList<SliceResult> results, string what)
    {
        Assert.Equal(expected.Select(result => (result.Sequence, result.Sampled!.Token)), results.Select(result => (result.Sequence, result.Sampled!.Token)));
        Assert.All(expected.Zip(results), pair => Assert.True(SameBits(pair.First.Logits!, pair.Second.Logits!), $"{what}: the logits of {pair.First.Sequence} differ"));
    }

    private async Task<IReadOnlyList<SliceResult>> RunAsync(string folder, string kernels, int stages, HopTransport transport = HopTransport.Auto)
    {
        var settings = TestPipelines.SettingsFor(folder, stages) with { Kernels = kernels, Transport = transport };
        await using var pipeline = await TestPipelines.StartAsync(settings, await pool.TakeAsync(stages));
        Assert.Equal(transport == HopTransport.Grpc ? "grpc" : "ipc", pipeline.Hops.ToString());
        List<SliceResult> results = [];
        await foreach (var output in pipeline.Stage.ForwardAsync(Script(pipeline.Cache, settings.Model.VocabularySize).ToAsyncEnumerable(), TestContext.Current.CancellationToken))
        {
            results.AddRange(output.Result!.Slices);
        }

        return results;
    }

    /// <summary>Two prompts packed, a third one in chunks beside their first decodes, then all three decode beyond the window.</summary>
    private static IEnumerable<StageInput> Script(KvCacheSpec cache, int vocabulary)
    {
        const LogitsRequest All = LogitsRequest.Raw | LogitsRequest.Sample;
        var writer = new MicrobatchWriter(cache, seed: 3);
        var tokens = new Queue<int>(RandomTokens.Of(400, vocabulary, seed: 15));
        var sampling = new SamplingParams { Temperature = 0.9f, TopP = 0.95f, Seed = 4, RepetitionPenalty = 1.1f };
        int[] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => tokens.Dequeue())];
        PlannedSlice Slice(long sequence, int count) => new(sequence, Take(count), All, Sampling: sampling);

        yield return new StageInput(writer.Next(Slice(1, 7), Slice(2, 19)), null);
        yield return new StageInput(writer.Next(Slice(1, 1), new PlannedSlice(3, Take(20), All, Sampling: sampling, PromptLength: 33)), null);
        yield return new StageInput(writer.Next(Slice(2, 1), Slice(3, 13)), null);
        for (var step = 0; step < Decodes; step++)
        {
            yield return new StageInput(writer.Next(Slice(3, 1), Slice(1, 1), Slice(2, 1)), null);
        }
    }

    private static bool SameBits(float[] left, float[] right) => MemoryMarshal.AsBytes(left.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(right.AsSpan()));
}
