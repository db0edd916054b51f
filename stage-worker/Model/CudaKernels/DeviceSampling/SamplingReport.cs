using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>Log-probabilities of one row as sampling.cu writes them.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct SamplingReport
{
    private readonly float _logprob;
    private readonly int _count;
    private readonly Tokens _tokens;
    private readonly Numbers _logprobs;

    public SampledToken Of(int token)
    {
        var top = new TokenLogprob[_count];
        for (var i = 0; i < top.Length; i++)
        {
            top[i] = new TokenLogprob(_tokens[i], _logprobs[i]);
        }

        return new SampledToken(token, _logprob, top);
    }

    [InlineArray(SamplingChoices.MostLogprobs)]
    private struct Tokens
    {
        private int _first;
    }

    [InlineArray(SamplingChoices.MostLogprobs)]
    private struct Numbers
    {
        private float _first;
    }
}
