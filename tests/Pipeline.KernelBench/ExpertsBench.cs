using System.Runtime.InteropServices;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.KernelBench;

/// <summary>The mixture of experts of one layer, routing and all: Hopper's kernels beside those for every device, as microseconds and GB/s of the weights of the experts that are visited.</summary>
internal sealed class ExpertsBench(KernelLibrary library, CudaStream stream, Cublas cublas)
{
    private static readonly int[] Batches = [1, 4, 8, 12, 16, 24, 32, 48, 64, 128, 512];

    public void Run(ModelConfig config)
    {
        var (experts, hidden, intermediate) = (config.Moe!.ExpertCount, config.HiddenSize, config.IntermediateSize);
        using var weights = new CudaExpertWeights(
            new TorchLinearWeight(Random(1, experts, hidden)), Random(0.02, experts, 2 * intermediate, hidden), Random(0.02, experts, hidden, intermediate), config.Moe.ExpertsPerToken);
        using var workspace = new Workspace(torch.CUDA);
        var linear = new CudaLinear(library, stream, workspace, cublas);
        using var common = new CudaExperts(library, stream, workspace, linear, cublas, hopper: null);
        using var hopper = library.IsForHopper ? new CudaExperts(library, stream, workspace, linear, cublas, new HopperExperts(library, stream)) : null;
        foreach (var batch in Batches)
        {
            using var input = Random(1, batch, hidden);
            if (batch <= CudaLinear.MostSkinnyExpertRows)
            {
                Measure("for every device", common, input);
            }

            if (hopper is not null)
            {
                Measure("for Hopper", hopper, input);
            }
        }

        void Measure(string name, CudaExperts mix, torch.Tensor input)
        {
            var batch = (int)input.shape[0];
            var microseconds = new DeviceTimer(stream).Microseconds(_ => mix.Mix(input, weights));
            var pairs = batch * weights.ExpertsPerToken;
            var visits = MemoryMarshal.Cast<byte, int>(workspace.Rows("chosen", pairs, 2).cpu().bytes)[..pairs].ToArray().CountBy(expert => expert).Select(pair => pair.Value).Order().ToList();
            var bytes = visits.Count * 3L * intermediate * hidden * sizeof(ushort);
            Console.WriteLine($"B={batch,-3} experts {name,-18} {microseconds,8:F1} us {bytes / microseconds / 1000,6:F0} GB/s, {visits.Count} experts with {visits[0]} to {visits[^1]} rows");
        }
    }

    private static torch.Tensor Random(double scale, params ReadOnlySpan<long> shape) => torch.randn(shape.ToArray(), torch.ScalarType.BFloat16, torch.CUDA).mul_(scale);
}
