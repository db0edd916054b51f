using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Kernels;

/// <summary>Whoever gets slower kernels than the device could have is told why, by whoever chooses and later by the kernels themselves.</summary>
public class KernelSelectionTests
{
    [Fact]
    public void Create_KernelsThatDoNotFitTheGpu_TorchComputesAndSaysWhy()
    {
        List<string> told = [];
        using var kernels = KernelSelection.Create(KernelSelection.Auto, TinyModels.Dense with { HeadDim = 16 }, ElementType.BFloat16, new torch.Device(DeviceType.CUDA, 0), 1, told.Add);
        Assert.Equal("torch", kernels.Name);
        Assert.Equal("the cuda kernels do not run here, so the much slower torch operations do: heads are 16 wide, not 64 or 128", Assert.Single(told));
        Assert.Equal(told[0], kernels.Remark);
    }

    [Fact]
    public void Create_NoDriver_TorchComputesAndSaysWhy()
    {
        Assert.SkipWhen(OperatingSystem.IsLinux() && File.Exists("/dev/nvidiactl"), "this host has an NVIDIA driver");
        List<string> told = [];
        var config = TinyModels.Dense with { HiddenSize = 256, HeadCount = 4, KvHeadCount = 2, HeadDim = 64, IntermediateSize = 256 };
        using var kernels = KernelSelection.Create(KernelSelection.Auto, config, ElementType.BFloat16, new torch.Device(DeviceType.CUDA, 0), 1, told.Add);
        Assert.Equal("torch", kernels.Name);
        Assert.Contains("no NVIDIA driver", Assert.Single(told), StringComparison.Ordinal);
        Assert.Equal(told[0], kernels.Remark);
    }

    [Theory]
    [InlineData(KernelSelection.Auto, "cpu")]
    [InlineData(KernelSelection.Torch, "torch")]
    public void Create_OnTheCpu_HasNothingToRemark(string name, string expected)
    {
        using var kernels = KernelSelection.Create(name, TinyModels.Dense, ElementType.Float32, torch.CPU, 1);
        Assert.Equal((expected, ""), (kernels.Name, kernels.Remark));
    }
}
