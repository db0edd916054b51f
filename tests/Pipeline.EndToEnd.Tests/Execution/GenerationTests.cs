using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>Ends and log-probabilities of generations, through the service that commands and API use.</summary>
public sealed class GenerationTests(WorkerPool pool)
{
    private static readonly GoldenFile Golden = new("tiny-mixtral");

    [Fact]
    public async Task Generate_EndTokensAtDifferentSteps_GivesListsOfDifferentLengths()
    {
        // The end token of each request is what its greedy text has at a certain place.
        var tokens = Enumerable.Range(0, 3).Select(Golden.Greedy).ToList();
        var third = tokens[1].Index().First(item => item.Index >= 2 && Array.IndexOf(tokens[1], item.Item) == item.Index).Index;
        await using var pipeline = await StartAsync(chunk: 64);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var service = ServiceOf(loop, pipeline);

        var results = await Task.WhenAll(
            CollectAsync(service, Request(0, 20) with { Sampling = Ending(tokens[0][0]) }),
            CollectAsync(service, Request(1, 20) with { Sampling = Ending(tokens[1][third]) }),
            CollectAsync(service, Request(2, 20)));

        Assert.Equal([FinishReason.Stop, FinishReason.Stop, FinishReason.Length], results.Select(result => result.Reason));
        Assert.Equal([[], tokens[1][..third], tokens[2][..20]], results.Select(result => result.Tokens.ToArray()));
        Assert.Equal([0, third, 20], results.Select(result => result.Logprobs.Count));
        Assert.All(results.Index(), result => Assert.Equal(Golden.Prompt(result.Index).Length - 1, result.Item.PromptLogprobs.Count));
    }

    [Fact]
    public async Task Generate_AllEndAtTheFirstStep_GivesEmptyLists()
    {
        await using var pipeline = await StartAsync(chunk: 64);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var ends = Enumerable.Range(0, 3).Select(number => Golden.Greedy(number)[0]).Distinct().ToArray();
        var service = new GenerationService(loop, pipeline.Settings.Model with { EosTokenIds = ends }, tokenizer: null);

        var results = await Task.WhenAll(Enumerable.Range(0, 3).Select(number => CollectAsync(service, Request(number, 20))));

        Assert.All(results, result => Assert.Empty(result.Tokens));
        Assert.All(results, result => Assert.Equal(FinishReason.Stop, result.Reason));
        Assert.Equal(0, loop.Counters.Running);
    }

    [Fact]
    public async Task Generate_MinTokens_HoldsTheEndBack()
    {
        await using var pipeline = await StartAsync(chunk: 64);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var end = Golden.Greedy(0)[0];

        var result = await CollectAsync(ServiceOf(loop, pipeline), Request(0, 20) with { Sampling = Ending(end) with { MinTokens = 3 } });

        Assert.InRange(result.Tokens.Count, 3, 20);
        Assert.DoesNotContain(end, result.Tokens.Take(3));
    }

    [Fact]
    public async Task PromptLogprobs_WhateverChunksAndTemperature_AreThoseOfTheOracle()
    {
        List<IReadOnlyList<float>> scores = [];
        foreach (var (chunk, temperature, tokens) in new[] { (5, 0f, 0), (64, 0f, 0), (5, 1.7f, 2) })
        {
            await using var pipeline = await StartAsync(chunk);
            await using var loop = TestPipelines.LoopOf(pipeline);
            var result = await CollectAsync(ServiceOf(loop, pipeline), Request(3, tokens) with { Sampling = new() { Temperature = temperature } });
            scores.Add(result.PromptLogprobs);
            Assert.Equal(tokens, result.Tokens.Count);
        }

        var expected = Golden.PromptScores(3);
        Assert.All(scores, values => Assert.Equal(expected.Length, values.Count));
        Assert.All(scores, values => Assert.All(expected.Zip(values), pair => Assert.Equal(pair.First, pair.Second, 1e-3)));
        Assert.All(scores[0].Zip(scores[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.Equal(scores[0], scores[2]);
    }

    [Fact]
    public async Task TokenLogprobs_AreOrderedAndLessThanOneInSum()
    {
        await using var pipeline = await StartAsync(chunk: 64);
        await using var loop = TestPipelines.LoopOf(pipeline);

        var result = await CollectAsync(ServiceOf(loop, pipeline), Request(1, 6) with { Sampling = new() { Temperature = 0, Logprobs = 5 } });

        Assert.All(result.Logprobs, token =>
        {
            Assert.Equal(5, token.Top.Count);
            Assert.Equal(token.Top[0], new TokenLogprob(token.Token, token.Logprob!.Value));
            Assert.Equal(token.Top.OrderByDescending(top => top.Logprob), token.Top);
            Assert.InRange(token.Top.Sum(top => Math.Exp(top.Logprob)), 0, 1 + 1e-6);
        });
    }

    private static SamplingParams Ending(int token) => new() { Temperature = 0, StopTokenIds = [token] };

    private static GenerationRequest Request(int number, int tokens) => new()
    {
        Prompt = Golden.Prompt(number),
        MaxTokens = tokens,
        Sampling = new() { Temperature = 0 },
        IgnoreEos = false,
        PromptLogprobs = true,
    };

    private static GenerationService ServiceOf(PipelineLoop loop, RunningPipeline pipeline) => new(loop, pipeline.Settings.Model, tokenizer: null);

    private async Task<RunningPipeline> StartAsync(int chunk)
    {
        ModelConfig model = ModelConfigFile.Read(Fixtures.TinyMixtral).Config;
        var settings = TestPipelines.SettingsFor(Fixtures.TinyMixtral, stages: 4) with { Model = model, MaxBatchedTokens = chunk };
        return await TestPipelines.StartAsync(settings, await pool.TakeAsync(4));
    }

    private static async Task<(List<int> Tokens, List<SampledToken> Logprobs, List<float> PromptLogprobs, FinishReason? Reason)> CollectAsync(GenerationService service, GenerationRequest request)
    {
        List<SampledToken> tokens = [];
        List<float> scores = [];
        FinishReason? reason = null;
        await foreach (var delta in service.Generate(request, TestContext.Current.CancellationToken))
        {
            tokens.AddRange(delta.Tokens);
            scores.AddRange(delta.PromptLogprobs);
            reason = delta.FinishReason;
        }

        return ([.. tokens.Select(token => token.Token)], tokens, scores, reason);
    }
}
