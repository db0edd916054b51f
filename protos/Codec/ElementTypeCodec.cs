using Pipeline.Shared.Stages;
using Domain = Pipeline.Shared.Models.ElementType;
using Wire = Pipeline.Protos.V1.ElementType;

namespace Pipeline.Protos.Codec;

/// <summary>Element types on the wire.</summary>
public static class ElementTypeCodec
{
    public static Wire ToWire(Domain type) => type switch
    {
        Domain.Float32 => Wire.Float32,
        Domain.Float16 => Wire.Float16,
        Domain.BFloat16 => Wire.Bfloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };

    public static Domain FromWire(Wire type) => type switch
    {
        Wire.Float32 => Domain.Float32,
        Wire.Float16 => Domain.Float16,
        Wire.Bfloat16 => Domain.BFloat16,
        _ => throw new StageException(StageError.Malformed, $"unknown element type {(int)type} on the wire"),
    };
}
