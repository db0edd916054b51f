using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.CudaKernels;

/// <summary>Which steps the device can finish by itself, down to the tokens.</summary>
public static class SamplingChoices
{
    /// <summary>Penalties, bias, minimum lengths and log-probabilities need the sequence's tokens or a report: the CPU does those.</summary>
    public static bool FitsDevice(SamplingParams sampling) =>
        sampling is { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0, MinTokens: 0, Logprobs: null, LogitBias.Count: 0 };

    /// <summary>Parameters and position of each segment that draws a token, in order; null when the CPU has to score the step.</summary>
    public static IReadOnlyList<(SamplingParams Sampling, int Position)>? Of(StepLayout layout)
    {
        var choices = new List<(SamplingParams Sampling, int Position)>(layout.Segments.Count);
        for (var s = 0; s < layout.Segments.Count; s++)
        {
            var sequence = layout.Segments[s].Sequence;
            switch (layout.Microbatch.Slices[s].Logits)
            {
                case LogitsRequest.None:
                    continue;
                case LogitsRequest.Sample when FitsDevice(sequence.Start.Sampling):
                    choices.Add((sequence.Start.Sampling, sequence.Length));
                    continue;
                default:
                    return null;
            }
        }

        return choices;
    }
}
