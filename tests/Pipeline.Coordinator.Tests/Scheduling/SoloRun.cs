using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>The oracle: what a request must bring, computed alone, without batches, chunks, blocks or stages.</summary>
internal sealed record SoloRun(IReadOnlyList<int> Text, FinishReason Reason, IReadOnlyList<float> PromptLogprobs, IReadOnlyList<float> RawLogits)
{
    public static SoloRun Of(SequenceRequest request, int maxModelLength)
    {
        var stops = request.Sampling.StopTokenIds.Concat(request.IgnoreEos ? [] : request.EosTokenIds).ToArray();
        var sampling = request.Sampling with { StopTokenIds = stops };
        var limit = request.MaxTokens ?? maxModelLength - request.Prompt.Count;
        var history = request.Prompt.ToList();
        var draws = 0;
        var reason = FinishReason.Length;
        while (draws < limit && reason == FinishReason.Length)
        {
            var token = ToyModel.NextToken(history.ToArray(), draws, sampling);
            draws++;
            if (stops.Contains(token) && draws > sampling.MinTokens)
            {
                reason = FinishReason.Stop;
            }
            else
            {
                history.Add(token);
            }
        }

        var computed = request.Prompt.Count + Math.Max(draws - 1, 0);
        return new SoloRun([.. history.Skip(request.Prompt.Count)], reason, Scores(request), Rows(request, history, computed));
    }

    private static float[] Scores(SequenceRequest request) => request.PromptLogprobs
        ? [.. Enumerable.Range(1, request.Prompt.Count - 1).Select(next => ToyModel.Logprob(request.Prompt.Take(next).ToArray(), request.Prompt[next]))]
        : [];

    private static float[] Rows(SequenceRequest request, List<int> history, int computed) => request.RawLogits
        ? [.. Enumerable.Range(1, computed).SelectMany(length => ToyModel.Logits(history.Take(length).ToArray()))]
        : [];
}
