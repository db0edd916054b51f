using System.Runtime.InteropServices;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>The product's mixture of experts on a device, many rows by cuBLAS or by Hopper's kernels. Skips the test where that is not to be had.</summary>
internal sealed class ExpertsDevice : IDisposable
{
    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;
    private readonly Cublas _cublas;
    private readonly Workspace _workspace;
    private readonly CudaExperts _experts;
    private readonly CudaExpertWeights _weights;

    /// <param name="router">bf16 <c>[experts, hidden]</c>.</param>
    /// <param name="gateUp">bf16 <c>[experts, 2 * intermediate, hidden]</c>.</param>
    /// <param name="down">bf16 <c>[experts, hidden, intermediate]</c>.</param>
    public ExpertsDevice(ModelConfig config, bool hopper, torch.Tensor router, torch.Tensor gateUp, torch.Tensor down)
    {
        _workspace = new Workspace(hopper ? Gpu.RequireHopper() : Gpu.Require());
        var device = CudaDevice.Open(0);
        device.MakeCurrent();
        _library = new KernelLibrary(device, config, CubinCache.ForUser());
        _stream = new CudaStream();
        _cublas = new Cublas(_stream);
        _experts = new CudaExperts(_library, _stream, _workspace, new CudaLinear(_library, _stream, _workspace, _cublas), _cublas, hopper ? new HopperExperts(_library, _stream) : null);
        _weights = new CudaExpertWeights(new TorchLinearWeight(router.cuda()), gateUp.cuda(), down.cuda(), config.Moe!.ExpertsPerToken);
    }

    /// <summary>Of the last mix, the experts of each row.</summary>
    public int[] Chosen { get; private set; } = [];

    /// <summary>Of the last mix, the shares of those.</summary>
    public float[] Shares { get; private set; } = [];

    /// <summary>bf16 <c>[rows, hidden]</c>; what the kernels write is NaN before.</summary>
    public torch.Tensor Mix(torch.Tensor input)
    {
        var (rows, hidden) = ((int)input.shape[0], (int)input.shape[1]);
        var visits = rows * _weights.ExpertsPerToken;
        foreach (var (role, count, width) in new[] { ("expert inner", visits, _weights.Intermediate), ("expert results", visits, hidden), ("mixed", rows, hidden) })
        {
            _workspace.Rows(role, count, width).fill_(float.NaN);
        }

        var onDevice = input.cuda();
        torch.cuda.synchronize();
        var output = _experts.Mix(onDevice, _weights);
        _stream.Synchronize();
        Chosen = [.. MemoryMarshal.Cast<byte, int>(_workspace.Rows("chosen", visits, 2).cpu().bytes)[..visits]];
        Shares = [.. MemoryMarshal.Cast<byte, ushort>(_workspace.Rows("shares", visits, 2).cpu().bytes)[..visits].ToArray().Select(bits => BitConverter.Int32BitsToSingle(bits << 16))];
        return output.cpu();
    }

    public void Dispose()
    {
        _experts.Dispose();
        _weights.Dispose();
        _cublas.Dispose();
        _workspace.Dispose();
        _stream.Dispose();
        _library.Dispose();
    }
}
