using System.Runtime.InteropServices;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;

namespace Pipeline.StageWorker.Tests.Execution;

/// <summary>What the rest of the pipeline is told of an exception out of the maths.</summary>
public class ComputeFailuresTests
{
    [Theory]
    [InlineData("CUDA out of memory. Tried to allocate 2.00 GiB")]
    [InlineData("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.")]
    [InlineData("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")]
    public void Classify_LibtorchWithoutMemory_IsOutOfMemory(string message) =>
        Assert.Equal(StageError.OutOfMemory, ComputeFailures.Classify(new LibtorchException(message)));

    [Fact]
    public void Classify_RuntimeWithoutMemory_IsOutOfMemory() => Assert.Equal(StageError.OutOfMemory, ComputeFailures.Classify(new InsufficientMemoryException()));

    /// <summary>The words alone do not make it one: they must come from below.</summary>
    [Fact]
    public void Classify_AnythingElse_IsAFailedComputation()
    {
        Assert.Equal(StageError.ComputeFailed, ComputeFailures.Classify(new LibtorchException("mat1 and mat2 shapes cannot be multiplied")));
        Assert.Equal(StageError.ComputeFailed, ComputeFailures.Classify(new InvalidOperationException("out of memory")));
    }

    [Theory]
    [InlineData(700, StageError.DeviceLost)]
    [InlineData(719, StageError.DeviceLost)]
    [InlineData(214, StageError.DeviceLost)]
    [InlineData(2, StageError.OutOfMemory)]
    [InlineData(1, StageError.ComputeFailed)]
    [InlineData(701, StageError.ComputeFailed)]
    public void Classify_DriverError_IsALostDeviceWhereItLasts(int result, StageError error) =>
        Assert.Equal(error, ComputeFailures.Classify(CudaException.Of(result, "finish a step")));

    [Fact]
    public void Classify_LibtorchsCudaError_IsALostDevice() =>
        Assert.Equal(StageError.DeviceLost, ComputeFailures.Classify(new LibtorchException("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be ...")));

    [Fact]
    public void Describe_LibtorchsStack_IsLeftOut() =>
        Assert.Equal("shapes cannot be multiplied", ComputeFailures.Describe(new LibtorchException("shapes cannot be multiplied\nException raised from meta at Linear.cpp:1\nframe #0")));

    [Fact]
    public void Describe_NameOfAParameter_IsLeftOut()
    {
        Assert.Equal("unknown kernels", ComputeFailures.Describe(new ArgumentException("unknown kernels", "name")));
        Assert.Equal("unknown kernels", ComputeFailures.Describe(new ArgumentException("unknown kernels")));
    }

    /// <summary>The type that TorchSharp throws is one that only a runtime may create.</summary>
    private sealed class LibtorchException(string message) : ExternalException(message);
}
