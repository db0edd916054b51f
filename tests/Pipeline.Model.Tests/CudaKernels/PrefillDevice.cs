using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>The product's attention on a device with one of the kernels for chunks. Skips the test where that is not to be had.</summary>
internal sealed class PrefillDevice : IDisposable
{
    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;
    private readonly PrefillKernel _kernel;

    public PrefillDevice(ModelConfig config, bool hopper)
    {
        _ = hopper ? Gpu.RequireHopper() : Gpu.Require();
        Config = config;
        var device = CudaDevice.Open(0);
        device.MakeCurrent();
        _library = new KernelLibrary(device, config, CubinCache.ForUser());
        _stream = new CudaStream();
        _kernel = hopper ? PrefillKernel.ForHopper(_library, config) : PrefillKernel.ForAny(_library, config);
    }

    public ModelConfig Config { get; }

    /// <summary>bf16 <c>[rows, heads * head dim]</c>, NaN where nothing was written. Rotates queries and keys of the step's device copies.</summary>
    public torch.Tensor Attend(PrefillStep step)
    {
        using var workspace = new Workspace(torch.CUDA);
        using var steps = new StepBuffers(_stream, step.Spec);
        using var attention = new CudaAttention(_library, _stream, workspace, steps, Config, step.Spec, _kernel);
        workspace.Rows("attended", step.Layout.Rows, Config.HeadCount * Config.HeadDim).fill_(float.NaN);
        step.CopyToDevice();
        attention.Prepare(step.Layout);
        var shape = steps.Write(step.Layout, null, []);
        steps.Copy();
        var output = attention.Attend(step.Qkv, new LayerKvCache(step.Keys, step.Values, 0), shape, step.Layout.Groups[0]);
        _stream.Synchronize();
        return output.cpu();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _library.Dispose();
    }
}
