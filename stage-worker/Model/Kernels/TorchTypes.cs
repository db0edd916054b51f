using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>Element types as TorchSharp names them.</summary>
public static class TorchTypes
{
    public static torch.ScalarType ScalarTypeOf(ElementType type) => type switch
    {
        ElementType.Float32 => torch.ScalarType.Float32,
        ElementType.Float16 => torch.ScalarType.Float16,
        ElementType.BFloat16 => torch.ScalarType.BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };
}
