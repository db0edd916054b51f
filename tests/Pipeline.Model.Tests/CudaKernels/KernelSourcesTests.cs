using Pipeline.Model.CudaKernels;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>What can be said of the kernels without a compiler or a device.</summary>
public class KernelSourcesTests
{
    [Fact]
    public void Read_EveryFamily_NeedsNoHeader()
    {
        foreach (var source in KernelSources.Families.Concat(KernelSources.HopperFamilies).Select(KernelSources.Read))
        {
            Assert.Contains("KERNEL", source, StringComparison.Ordinal);
            Assert.DoesNotContain("#include", source, StringComparison.Ordinal);
        }
    }

    /// <summary>Kernels overlap: each must wait for the one before it, except those that read nothing of it.</summary>
    [Fact]
    public void Read_KernelsOfAStep_WaitForTheirInputs() => Assert.All(
        KernelSources.Families.Concat(KernelSources.HopperFamilies).Except(["dummy"]), family => Assert.Contains("wait_for_inputs();", KernelSources.Read(family).Split("typedef")[^1], StringComparison.Ordinal));

    [Fact]
    public void OptionsFor_Model_NameItsShape()
    {
        var options = KernelLibrary.OptionsFor(9, 0, TinyModels.Sparse with { HeadDim = 128 }, []);
        Assert.Contains("--gpu-architecture=sm_90a", options);
        Assert.Contains("-DHEAD_DIM=128", options);
        Assert.Contains("-DGROUP=2", options);
        Assert.Contains("-DEXPERTS=4", options);
    }

    /// <summary>Hopper's own kernels run on nothing else, not even on what came after it.</summary>
    [Theory]
    [InlineData(8, 0, "sm_80", false)]
    [InlineData(8, 9, "sm_89", false)]
    [InlineData(9, 0, "sm_90a", true)]
    [InlineData(10, 0, "sm_100", false)]
    [InlineData(12, 0, "sm_120", false)]
    public void Families_OfADevice_IncludeHoppersOnHopperOnly(int major, int minor, string architecture, bool hoppers)
    {
        Assert.Contains($"--gpu-architecture={architecture}", KernelLibrary.OptionsFor(major, minor, TinyModels.Dense, []));
        Assert.All(KernelSources.HopperFamilies, family => Assert.Equal(hoppers, KernelLibrary.FamiliesFor(major, minor).Contains(family)));
        Assert.Contains("prefill_attention", KernelLibrary.FamiliesFor(major, minor));
    }

    [Fact]
    public void Objection_UnfitModels_SaysWhy()
    {
        var fit = TinyModels.Dense with { HeadDim = 128, HiddenSize = 64, IntermediateSize = 64 };
        Assert.Null(CudaKernelSet.Objection(fit, ElementType.BFloat16));
        Assert.Contains("bfloat16", CudaKernelSet.Objection(fit, ElementType.Float32), StringComparison.Ordinal);
        Assert.Contains("16 wide", CudaKernelSet.Objection(fit with { HeadDim = 16 }, ElementType.BFloat16), StringComparison.Ordinal);
        Assert.Contains("multiples of 32", CudaKernelSet.Objection(fit with { HiddenSize = 48 }, ElementType.BFloat16), StringComparison.Ordinal);
    }

    [Fact]
    public void Create_CudaKernelsOnTheCpu_AreRefusedByName()
    {
        var exception = Assert.Throws<ArgumentException>(() => KernelSelection.Create(KernelSelection.Cuda, TinyModels.Dense, ElementType.BFloat16, torch.CPU, 1));
        Assert.Contains("the device is cpu", exception.Message, StringComparison.Ordinal);
    }
}
