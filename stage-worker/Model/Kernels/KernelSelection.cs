using System.Runtime.InteropServices;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>Which implementation of the kernels runs; decided once, at load.</summary>
public static class KernelSelection
{
    public const string Auto = "auto";
    public const string Torch = "torch";
    public const string Cpu = "cpu";
    public const string Cuda = "cuda";

    /// <summary>Every implementation that runs without a GPU, by the name one asks for it.</summary>
    public static IReadOnlyList<string> Names { get; } = [Torch, Cpu];

    public static IKernelSet Create(string name, ModelConfig config, ElementType elementType, torch.Device device, int threads) =>
        Create(name, config, elementType, device, threads, _ => { });

    /// <param name="warn">Is told once when something slower than asked for runs.</param>
    public static IKernelSet Create(string name, ModelConfig config, ElementType elementType, torch.Device device, int threads, Action<string> warn)
    {
        var cpuFits = CpuKernelSet.Supports(config, elementType, device);
        return name switch
        {
            "" or Auto when device.type == DeviceType.CUDA => CreateCudaOrTorch(config, elementType, device, warn),
            "" or Auto => cpuFits ? new CpuKernelSet(config, threads) : CreateTorch(config, elementType, device),
            Torch => CreateTorch(config, elementType, device),
            Cpu when cpuFits => new CpuKernelSet(config, threads),
            Cpu => throw new ArgumentException($"the cpu kernels compute in float32 on the CPU with a head width that is a multiple of 16; here it is {elementType} on {device} with {config.HeadDim}. Use --kernels torch or --dtype f32", nameof(name)),
            Cuda when CudaObjection(config, elementType, device) is { } objection => throw new ArgumentException($"the cuda kernels do not fit: {objection}. Use --kernels torch", nameof(name)),
            Cuda => new CudaKernelSet(config, device, CubinCache.ForUser()),
            _ => throw new ArgumentException($"unknown kernels '{name}'; there are {Auto}, {string.Join(", ", Names)}, {Cuda}", nameof(name)),
        };
    }

    private static IKernelSet CreateCudaOrTorch(ModelConfig config, ElementType elementType, torch.Device device, Action<string> warn)
    {
        var objection = CudaObjection(config, elementType, device);
        if (objection is null)
        {
            try
            {
                return new CudaKernelSet(config, device, CubinCache.ForUser());
            }
            catch (Exception exception) when (exception is ExternalException or DllNotFoundException or EntryPointNotFoundException)
            {
                objection = exception.Message;
            }
        }

        var remark = $"the cuda kernels do not run here, so the much slower torch operations do: {objection}";
        warn(remark);
        return CreateTorch(config, elementType, device, remark);
    }

    private static string? CudaObjection(ModelConfig config, ElementType elementType, torch.Device device) =>
        device.type == DeviceType.CUDA ? CudaKernelSet.Objection(config, elementType) : $"the device is {device}";

    private static TorchKernelSet CreateTorch(ModelConfig config, ElementType elementType, torch.Device device, string remark = "") =>
        new(elementType, device, new RotaryTable(config.HeadDim, config.RopeTheta)) { Remark = remark };
}
