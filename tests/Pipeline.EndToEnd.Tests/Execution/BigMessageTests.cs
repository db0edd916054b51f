using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Pipeline.TestKit.Batching;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>Activations far beyond gRPC's usual limit of 4 MiB: 10 MiB and 64 MiB in one step, as prompts of 600 and 4096 tokens of a 7B model make.</summary>
public sealed class BigMessageTests(WorkerPool pool)
{
    [Theory]
    [InlineData(600)]
    [InlineData(4096)]
    public async Task Forward_PromptInOneStep_GivesTheLogitsOfOneStage(int tokens)
    {
        Assert.Equal(await LogitsAsync(stages: 1, tokens), await LogitsAsync(stages: 2, tokens));
    }

    [Fact]
    public async Task Forward_SeveralBigSteps_ComeOutInOrder()
    {
        await using var pipeline = await StartAsync(stages: 2, tokens: 1024);
        var writer = new MicrobatchWriter(pipeline.Cache, seed: 1);
        var steps = Enumerable.Range(1, 6).Select(sequence => writer.Next(new PlannedSlice(sequence, RandomTokens.Of(1024, 64, sequence), LogitsRequest.Sample)));
        List<(long, int)> seen = [];

        await foreach (var output in pipeline.Stage.ForwardAsync(steps.Select(step => new StageInput(step, null)).ToAsyncEnumerable(), TestContext.Current.CancellationToken))
        {
            seen.Add((output.Result!.Step, (int)output.Result.Slices[0].Sequence.Value));
        }

        Assert.Equal(Enumerable.Range(1, 6).Select(step => ((long)step, step)), seen);
    }

    [Fact]
    public async Task Forward_MoreTokensThanTheStageWasStartedFor_IsRefusedByTheFirstStage()
    {
        await using var pipeline = await StartAsync(stages: 2, tokens: 64);
        var step = new MicrobatchWriter(pipeline.Cache, seed: 1).Next(new PlannedSlice(1, RandomTokens.Of(65, 64, 1)));

        var failure = await Assert.ThrowsAsync<StageException>(async () =>
        {
            await foreach (var _ in pipeline.Stage.ForwardAsync(new[] { new StageInput(step, null) }.ToAsyncEnumerable(), TestContext.Current.CancellationToken))
            {
            }
        });

        Assert.Equal((StageError.BatchTooLarge, 0), (failure.Error, failure.StageIndex));
        Assert.Contains("65 tokens", failure.Message, StringComparison.Ordinal);
        Assert.Contains("at most 64", failure.Message, StringComparison.Ordinal);
    }

    private async Task<float[]> LogitsAsync(int stages, int tokens)
    {
        await using var pipeline = await StartAsync(stages, tokens);
        var writer = new MicrobatchWriter(pipeline.Cache, seed: 1);
        // The last token travels alone, so that only its logits come back.
        Microbatch[] steps = [writer.Next(new PlannedSlice(1, RandomTokens.Of(tokens - 1, 64, seed: 8), LogitsRequest.None)), writer.Next(new PlannedSlice(1, [5]))];
        var logits = Array.Empty<float>();
        await foreach (var output in pipeline.Stage.ForwardAsync(steps.Select(step => new StageInput(step, null)).ToAsyncEnumerable(), TestContext.Current.CancellationToken))
        {
            logits = output.Result!.Slices[0].Logits;
        }

        Assert.Equal(64, logits!.Length);
        return logits;
    }

    private async Task<Coordinator.Stages.RunningPipeline> StartAsync(int stages, int tokens)
    {
        var settings = TestPipelines.SettingsFor(TestModels.Wide, stages) with { MaxBatchedTokens = tokens, MaxModelLength = tokens };
        return await TestPipelines.StartAsync(settings, await pool.TakeAsync(stages));
    }
}
