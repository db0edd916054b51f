using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.Sampling;

/// <summary>Sequences as the sampler sees them.</summary>
internal static class SamplingState
{
    public static SequenceState Of(SamplingParams parameters, int[]? prompt = null, int[]? generated = null)
    {
        prompt ??= [0];
        var state = new SequenceState(new SequenceId(1), new SequenceStart(prompt.Length, parameters), 1);
        state.Tokens.AddRange([.. prompt, .. generated ?? []]);
        return state;
    }
}
