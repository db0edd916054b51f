using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>Which steps the device can finish by itself, down to the tokens and their log-probabilities.</summary>
public static class SamplingChoices
{
    /// <summary>Alternatives that a report has room for (sampling.cu): as many as the API allows.</summary>
    public const int MostLogprobs = 20;

    /// <summary>Tokens that a step may draw when it reports log-probabilities.</summary>
    public const int MostReports = 1024;

    /// <summary>Tokens of a vocabulary: the device ranks them by 20 bits of their id.</summary>
    public const int MostTokens = 1 << 20;

    /// <summary>Longer reports, and vocabularies beyond any model's, are the CPU's.</summary>
    public static bool FitsDevice(SamplingParams sampling, int vocabulary) => (sampling.Logprobs ?? 0) <= MostLogprobs && vocabulary <= MostTokens;

    /// <summary>
    /// One choice for each segment that draws a token, in order; null when the CPU has to score the step: raw logits or scores of
    /// a prompt are asked for, or the device's bounds do not hold it.
    /// </summary>
    /// <param name="adjustments">Gets what the choices change in the logits.</param>
    public static IReadOnlyList<SamplingChoice>? Of(StepLayout layout, int vocabulary, ref AdjustmentList adjustments)
    {
        var choices = new List<SamplingChoice>(layout.Segments.Count);
        for (var s = 0; s < layout.Segments.Count; s++)
        {
            var sequence = layout.Segments[s].Sequence;
            switch (layout.Microbatch.Slices[s].Logits)
            {
                case LogitsRequest.None:
                    continue;
                case LogitsRequest.Sample when FitsDevice(sequence.Start.Sampling, vocabulary) && adjustments.TryAdd(sequence, out var range):
                    choices.Add(new SamplingChoice(sequence.Start.Sampling, sequence.Length, range));
                    continue;
                default:
                    return null;
            }
        }

        return choices.Count > MostReports && choices.Exists(choice => choice.Sampling.Logprobs is not null) ? null : choices;
    }
}
