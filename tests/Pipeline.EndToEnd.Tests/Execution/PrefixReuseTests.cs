using Pipeline.Coordinator.Scheduling;
using Pipeline.EndToEnd.Tests.Contracts;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit;
using Pipeline.TestKit.Batching;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>What is cached of a prompt is found again by later requests, through workers and wires.</summary>
public sealed class PrefixReuseTests(InProcessWorkers workers) : IClassFixture<InProcessWorkers>
{
    [Fact]
    public async Task SamePromptAgain_ComputesItsEndOnly_AndBringsTheSameTokens()
    {
        var settings = TestPipelines.SettingsFor(Fixtures.At("random-mistral"), stages: 2) with
        {
            Kernels = "cpu",
            PrefixCaching = true,
            Workers = [.. await workers.AddressesAsync(2)],
        };
        await using var pipeline = await TestPipelines.StartAsync(settings);
        await using var loop = TestPipelines.LoopOf(pipeline);
        // Longer than the window of 16, and penalties look at all of it.
        var request = new SequenceRequest { Prompt = RandomTokens.Of(70, 512, seed: 3), MaxTokens = 30, Sampling = new SamplingParams { Seed = 5, RepetitionPenalty = 1.5f, Logprobs = 3 } };

        var first = await GeneratedSequence.ReadAsync(loop.Submit(request));
        var before = loop.Counters;
        var again = await GeneratedSequence.RunAsync(loop, [request, request, request]);

        Assert.Equal(30, first.Tokens.Count);
        Assert.All(again, result => Assert.Equal(first.Tokens, result.Tokens));
        var after = loop.Counters;
        Assert.Equal((0L, 70L), (before.Prefixes.HitTokens, before.Prefixes.QueriedTokens));
        Assert.Equal((3 * 64L, 4 * 70L), (after.Prefixes.HitTokens, after.Prefixes.QueriedTokens));
        Assert.Equal(70 + (3 * 6), after.Scheduled.Prefill);
        Assert.Equal(4 * 29, after.Scheduled.Decode);
    }
}
