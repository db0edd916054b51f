using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

public class CudaWeightsTests
{
    /// <summary>A model of random weights is the same model wherever its numbers were made.</summary>
    [Fact]
    public void Load_DummyWeights_AreThoseOfTheCpu()
    {
        var device = Gpu.Require();
        var config = TinyModels.Dense with { HeadDim = 64, HiddenSize = 64, WeightType = ElementType.BFloat16 };
        var assignment = new ShardAssignment(0, 1, new LayerRange(0, config.LayerCount));
        using var kernels = new CudaKernelSet(config, device, CubinCache.ForUser());
        using var made = new DummyWeights(config, assignment, 7, null);
        using var copied = new DummyWeights(config, assignment, 7, null);
        var slot = TensorSlot.OfLayer(TensorKind.DownProjection, 1);
        using var onDevice = (TorchLinearWeight)kernels.LoadLinear(made, slot);
        using var onHost = TensorLoader.Load(copied, [slot], ElementType.BFloat16, torch.CPU);
        using var back = onDevice.Tensor.cpu();
        Assert.True(back.bytes.SequenceEqual(onHost.bytes));
    }
}
