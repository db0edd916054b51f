using System.Runtime.InteropServices;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Sampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>What a step has drawn, to be read once it is over.</summary>
internal sealed class DrawnTokens(IReadOnlyList<SamplingChoice> choices, PinnedMemory tokens, PinnedMemory? reports)
{
    public SampledToken this[int row]
    {
        get
        {
            var token = MemoryMarshal.Cast<byte, int>(tokens.GetSpan())[row];
            if (token < 0)
            {
                throw Sampler.NotFinite();
            }

            return choices[row].Sampling.Logprobs is null
                ? new SampledToken(token, null, [])
                : MemoryMarshal.Cast<byte, SamplingReport>(reports!.GetSpan())[row].Of(token);
        }
    }
}
