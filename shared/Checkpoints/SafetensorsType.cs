namespace Pipeline.Shared.Checkpoints;

/// <summary>Element types that a safetensors header can name and whose elements are whole bytes.</summary>
public enum SafetensorsType
{
    Bool,
    UInt8,
    Int8,
    Float8E5M2,
    Float8E4M3,
    Int16,
    UInt16,
    Float16,
    BFloat16,
    Int32,
    UInt32,
    Float32,
    Float64,
    Int64,
    UInt64,
}
