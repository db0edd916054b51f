using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Contracts;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit;
using Pipeline.TestKit.Batching;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>Sequences that come and go in the same few blocks: nothing of one is seen by the next, and nothing stays behind.</summary>
public sealed class SequenceLifeTests(InProcessWorkers workers) : IClassFixture<InProcessWorkers>
{
    private const int Stages = 2;

    private static readonly SequenceRequest Long = new() { Prompt = RandomTokens.Of(50, 512, seed: 1), MaxTokens = 100, Sampling = new() { Temperature = 0 }, RawLogits = true };

    private static readonly SequenceRequest Short = new() { Prompt = RandomTokens.Of(9, 512, seed: 2), MaxTokens = 12, Sampling = new() { Temperature = 0 }, RawLogits = true };

    [Fact]
    public async Task Sequence_InTheBlocksOfAnother_IsTheSameAsInFreshOnes()
    {
        var expected = (await RunInTurnAsync(Short))[0];

        var results = await RunInTurnAsync(Long, Short);

        Assert.Equal(100, results[0].Tokens.Count);
        Assert.Equal(expected.Logits, results[1].Logits);
        Assert.Equal(expected.Tokens, results[1].Tokens);
    }

    [Fact]
    public async Task Cancel_WhileDecoding_GivesEverythingBackOnEveryStage()
    {
        await using var pipeline = await StartAsync(sequences: 3);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var free = loop.Counters.FreeBlocks;
        var cancelled = loop.Submit(Long);
        var other = loop.Submit(Short);
        await Eventually.HoldsAsync(() => loop.CompletedSteps > 6, "both sequences decode");

        loop.Cancel(cancelled.Id);

        Assert.Equal(FinishReason.Cancelled, (await GeneratedSequence.ReadAsync(cancelled)).FinishReason);
        Assert.Equal(12, (await GeneratedSequence.ReadAsync(other)).Tokens.Count);
        await Eventually.HoldsAsync(() => loop.Counters.FreeBlocks == free, "all blocks are free");
        await Eventually.HoldsAsync(() => SequencesOnStages() is [0, 0], "no stage remembers a sequence");
        Assert.Equal(12, (await GeneratedSequence.ReadAsync(loop.Submit(Short))).Tokens.Count);
    }

    [Fact]
    public async Task Sequences_MoreThanFit_AllComeOutAsIfAlone()
    {
        await using var pipeline = await StartAsync(sequences: 2);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var alone = await GeneratedSequence.ReadAsync(loop.Submit(Short));

        var results = await GeneratedSequence.RunAsync(loop, Enumerable.Repeat(Short, 7));

        Assert.All(results, result => Assert.Equal(alone.Tokens, result.Tokens));
    }

    [Fact]
    public async Task Lease_Ended_FreesTheShards()
    {
        var pipeline = await StartAsync(sequences: 1);
        Assert.All([0, 1], worker => Assert.NotNull(workers.SessionOf(worker)));

        await pipeline.DisposeAsync();

        await Eventually.HoldsAsync(() => workers.SessionOf(0) is null && workers.SessionOf(1) is null, "both workers are free");
    }

    /// <summary>One after the other, on a pipeline that has blocks for one sequence only.</summary>
    private async Task<IReadOnlyList<GeneratedSequence>> RunInTurnAsync(params SequenceRequest[] requests)
    {
        await using var pipeline = await StartAsync(sequences: 1);
        await using var loop = TestPipelines.LoopOf(pipeline);
        List<GeneratedSequence> results = [];
        foreach (var request in requests)
        {
            results.Add(await GeneratedSequence.ReadAsync(loop.Submit(request)));
        }

        return results;
    }

    private int[] SequencesOnStages() => [.. Enumerable.Range(0, Stages).Select(worker => workers.SessionOf(worker)!.RequireSequences().Count)];

    private async Task<RunningPipeline> StartAsync(int sequences)
    {
        var settings = TestPipelines.SettingsFor(Fixtures.At("random-mistral"), Stages) with { MaxSequences = sequences, Workers = [.. await workers.AddressesAsync(Stages)] };
        return await TestPipelines.StartAsync(settings);
    }
}
