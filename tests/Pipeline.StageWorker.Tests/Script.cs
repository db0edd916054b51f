using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit.Batching;

namespace Pipeline.StageWorker.Tests;

/// <summary>A short run with everything in it: prompts in chunks, decode, sampling, scores, a release, an empty step.</summary>
internal static class Script
{
    public static IReadOnlyList<Microbatch> Write()
    {
        var writer = new MicrobatchWriter(Models.Spec, seed: 5);
        var sampling = new SamplingParams { Temperature = 0.9f, TopP = 0.95f, Seed = 3, Logprobs = 2, FrequencyPenalty = 0.1f };
        List<Microbatch> steps =
        [
            writer.Next(new PlannedSlice(1, Tokens(7, 1), LogitsRequest.Raw | LogitsRequest.Sample, Sampling: sampling), new(2, Tokens(9, 2), LogitsRequest.None, PromptLength: 14)),
            writer.Next(new PlannedSlice(2, Tokens(5, 3), LogitsRequest.Sample), new(1, [4], LogitsRequest.Sample)),
            writer.Next(new PlannedSlice(1, [9], LogitsRequest.Sample), new(2, [8], LogitsRequest.Sample), new(3, Tokens(12, 4), LogitsRequest.ScorePrompt, Sampling: sampling)),
        ];
        writer.Release(2);
        steps.Add(writer.Next());
        steps.Add(writer.Next(new PlannedSlice(4, Tokens(20, 5), LogitsRequest.Raw), new(1, [11], LogitsRequest.Raw)));
        steps.Add(writer.Next(new PlannedSlice(3, [1], LogitsRequest.Raw), new(4, [2], LogitsRequest.Raw), new(1, [3], LogitsRequest.Raw)));
        return steps;
    }

    private static int[] Tokens(int count, int seed) => RandomTokens.Of(count, Models.Config.VocabularySize, seed);
}
