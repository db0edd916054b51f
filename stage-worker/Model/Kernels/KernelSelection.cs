using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>Which implementation of the kernels runs; decided once, at load.</summary>
public static class KernelSelection
{
    public const string Auto = "auto";
    public const string Torch = "torch";
    public const string Cpu = "cpu";

    /// <summary>Every implementation, by the name one asks for it.</summary>
    public static IReadOnlyList<string> Names { get; } = [Torch, Cpu];

    public static IKernelSet Create(string name, ModelConfig config, ElementType elementType, torch.Device device, int threads)
    {
        var cpuFits = CpuKernelSet.Supports(config, elementType, device);
        return name switch
        {
            "" or Auto => cpuFits ? new CpuKernelSet(config, threads) : new TorchKernelSet(elementType, device, new RotaryTable(config.HeadDim, config.RopeTheta)),
            Torch => new TorchKernelSet(elementType, device, new RotaryTable(config.HeadDim, config.RopeTheta)),
            Cpu when cpuFits => new CpuKernelSet(config, threads),
            Cpu => throw new ArgumentException($"the cpu kernels compute in float32 on the CPU with a head width that is a multiple of 16; here it is {elementType} on {device} with {config.HeadDim}. Use --kernels torch or --dtype f32", nameof(name)),
            _ => throw new ArgumentException($"unknown kernels '{name}'; there are {Auto}, {string.Join(", ", Names)}", nameof(name)),
        };
    }
}
