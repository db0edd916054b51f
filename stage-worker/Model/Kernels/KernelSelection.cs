using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>Which implementation of the kernels runs; decided once, at load.</summary>
public static class KernelSelection
{
    public const string Auto = "auto";

    public static IKernelSet Create(string name, ModelConfig config, ElementType elementType, torch.Device device, int threads)
    {
        var rotary = new RotaryTable(config.HeadDim, config.RopeTheta);
        return name switch
        {
            "" or Auto or "torch" => new TorchKernelSet(elementType, device, rotary),
            _ => throw new ArgumentException($"unknown kernels '{name}'; there are auto, torch and cpu", nameof(name)),
        };
    }
}
