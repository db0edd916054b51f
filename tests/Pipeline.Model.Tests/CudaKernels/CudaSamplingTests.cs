using System.Runtime.InteropServices;
using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Sampling;
using Pipeline.Model.Tests.Sampling;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>The device draws the very tokens that the CPU draws from the same logits.</summary>
public class CudaSamplingTests
{
    private const int Rows = 64;

    [Theory]
    [InlineData(32000, 0f, 0, 1f, 0f)]
    [InlineData(32000, 1f, 0, 1f, 0f)]
    [InlineData(32000, 0.7f, 50, 1f, 0f)]
    [InlineData(32000, 1.3f, 0, 0.9f, 0f)]
    [InlineData(32000, 1f, 0, 1f, 0.05f)]
    [InlineData(32000, 1f, 200, 0.8f, 0.01f)]
    [InlineData(131072, 2f, 1000, 0.5f, 0f)]
    [InlineData(97, 1f, 500, 0.99f, 0f)]
    [InlineData(97, 1f, 1, 0f, 1f)]
    public unsafe void Sample_RandomLogits_AgreesWithTheCpu(int vocabulary, float temperature, int topK, float topP, float minP)
    {
        var device = Gpu.Require();
        _ = KnownModels.TryGet("mistral-7b-v0.1", out var config);
        var cuda = CudaDevice.Open(0);
        cuda.MakeCurrent();
        using var library = new KernelLibrary(cuda, config!, CubinCache.ForUser());
        using var stream = new CudaStream();
        using var logits = (torch.randn([Rows, vocabulary], torch.ScalarType.Float32, device) * 4).to_type(torch.ScalarType.BFloat16);
        using var choices = new PinnedMemory(Rows * StepSections.ChoiceWords * sizeof(int), giveBack: null);
        var states = new List<SequenceState>();
        for (var row = 0; row < Rows; row++)
        {
            var sampling = new SamplingParams { Seed = (ulong)row * 1234567891234567UL, Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
            states.Add(SamplingState.Of(sampling, [.. Enumerable.Range(0, row + 1)]));
            StepBuffers.WriteChoice(MemoryMarshal.Cast<byte, int>(choices.GetSpan()).Slice(row * StepSections.ChoiceWords, StepSections.ChoiceWords), (sampling, row + 1));
        }

        using var parameters = new DeviceMemory(choices.Length, stream);
        using var tokens = new DeviceMemory(Rows * sizeof(int), stream);
        stream.CopyToDevice(parameters.Pointer, choices.Pointer, choices.Length);
        library.Function("sampling", "sample").Launch(stream, (Rows, 1, 1), 1024, 0, TensorAddress.Of(logits), parameters.Pointer, tokens.Pointer, vocabulary);
        stream.CopyToHost(choices.Pointer, tokens.Pointer, Rows * sizeof(int));
        stream.Synchronize();
        using var raised = logits.to_type(torch.ScalarType.Float32).cpu();
        var all = MemoryMarshal.Cast<byte, float>(raised.bytes);
        var expected = new int[Rows];
        for (var row = 0; row < Rows; row++)
        {
            expected[row] = Sampler.Sample(all.Slice(row * vocabulary, vocabulary), states[row]).Token;
        }

        Assert.Equal(expected, MemoryMarshal.Cast<byte, int>(choices.GetSpan())[..Rows].ToArray());
    }
}
