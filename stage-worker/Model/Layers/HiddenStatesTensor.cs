using System.Runtime.InteropServices;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>Hidden states as they travel, and as tensors.</summary>
public static class HiddenStatesTensor
{
    public static torch.Tensor ToTensor(HiddenStates hidden, torch.Device device)
    {
        var tensor = torch.empty([hidden.Rows, hidden.Width], TorchTypes.ScalarTypeOf(hidden.ElementType));
        hidden.Bytes.Span.CopyTo(tensor.bytes);
        return device.type == DeviceType.CPU ? tensor : tensor.to(device);
    }

    public static HiddenStates FromTensor(torch.Tensor tensor, ElementType elementType)
    {
        var hidden = HiddenStates.Rent((int)tensor.shape[0], (int)tensor.shape[1], elementType);
        tensor.cpu().contiguous().bytes.CopyTo(hidden.Bytes.Span);
        return hidden;
    }

    /// <summary>The elements of a contiguous float32 tensor on the CPU.</summary>
    public static Span<float> Floats(torch.Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
