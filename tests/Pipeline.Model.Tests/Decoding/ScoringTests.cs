using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Decoding;

/// <summary>V-24: log-probabilities of a prompt, whole and in chunks, beside sampling and raw logits.</summary>
public class ScoringTests
{
    private static readonly ModelConfig Config = TinyModels.Sparse.WithLayers(2);
    private static readonly RandomWeights Weights = new(Config, seed: 31);

    // Longer than the piece in which the head works through a slice.
    private static readonly int[] Tokens = RandomTokens.Of(150, Config.VocabularySize, seed: 31);
    private static readonly OracleRun Oracle = new OracleModel(Weights).Run(Tokens);
    private static readonly double[] Expected = [.. Enumerable.Range(0, Tokens.Length - 1).Select(p => LogSoftmax(Oracle.Logits[p])[Tokens[p + 1]])];

    [Theory]
    [MemberData(nameof(Chunks))]
    public void ScorePrompt_InChunks_GivesOneValuePerFollowingToken(string kernels, int chunk)
    {
        using var chain = Chain(kernels, chunk, 2);
        var logprobs = new List<float>();
        foreach (var part in Tokens.Chunk(chunk))
        {
            var next = logprobs.Count + part.Length;
            var slice = new PlannedSlice(1, part, LogitsRequest.ScorePrompt, next < Tokens.Length ? Tokens[next] : null, new SamplingParams { Temperature = 0.3f });
            var result = chain.Step(slice)[0];
            Assert.Null(result.Logits);
            Assert.Null(result.Sampled);
            logprobs.AddRange(result.PromptLogprobs ?? []);
        }

        Close.Vector(Expected, logprobs, "log-probabilities");
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Step_AllRequestsAtOnce_AnswersEach(string kernels)
    {
        using var chain = Chain(kernels, Tokens.Length, 2);
        var all = LogitsRequest.Sample | LogitsRequest.ScorePrompt | LogitsRequest.Raw;
        var result = chain.Step(new PlannedSlice(1, Tokens, all, NextToken: 5, new SamplingParams { Temperature = 0, Logprobs = 3 }))[0];
        Close.Rows(Oracle, chain.Rows(result));
        Close.Vector([.. Expected, LogSoftmax(Oracle.Logits[^1])[5]], result.PromptLogprobs!, "log-probabilities");
        AssertSampled(result.Sampled!);
    }

    /// <summary>Only the token's own distribution counts, not what temperature and penalties made of it.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Sample_WithLogprobs_ReportsTheUnscaledDistribution(string kernels)
    {
        using var chain = Chain(kernels, Tokens.Length, 1, 1);
        var sampling = new SamplingParams { Temperature = 0, RepetitionPenalty = 1.0001f, Logprobs = 3 };
        AssertSampled(chain.Step(new PlannedSlice(1, Tokens, LogitsRequest.Sample, Sampling: sampling))[0].Sampled!);
    }

    public static TheoryData<string, int> Chunks() => KernelSets.With([5, 64, 65, 149, 150]);

    private static void AssertSampled(SampledToken sampled)
    {
        var expected = LogSoftmax(Oracle.Logits[^1]).Select((logprob, token) => (logprob, token)).OrderByDescending(pair => pair.logprob).Take(3).ToList();
        Assert.Equal(expected[0].token, sampled.Token);
        Close.Vector([expected[0].logprob], [sampled.Logprob!.Value], "log-probability");
        Assert.Equal(expected.Select(pair => pair.token), sampled.Top.Select(top => top.Token));
        Close.Vector([.. expected.Select(pair => pair.logprob)], [.. sampled.Top.Select(top => top.Logprob)], "alternatives");
    }

    private static ShardChain Chain(string kernels, int chunk, params int[] split) => new(
        Weights, CacheSpecs.For(Config, blockSize: 8, maxChunk: chunk, maxLength: Tokens.Length, sequences: 1), kernels, ElementType.Float32, split);

    private static double[] LogSoftmax(double[] logits)
    {
        var normalizer = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        return [.. logits.Select(logit => logit - normalizer)];
    }
}
