using Pipeline.Shared.Models;

namespace Pipeline.Shared.Checkpoints;

/// <summary>Names and sizes of the element types in safetensors files.</summary>
public static class SafetensorsTypes
{
    private static readonly (SafetensorsType Type, string Name, int ByteSize)[] Known =
    [
        (SafetensorsType.Bool, "BOOL", 1),
        (SafetensorsType.UInt8, "U8", 1),
        (SafetensorsType.Int8, "I8", 1),
        (SafetensorsType.Float8E5M2, "F8_E5M2", 1),
        (SafetensorsType.Float8E4M3, "F8_E4M3", 1),
        (SafetensorsType.Int16, "I16", 2),
        (SafetensorsType.UInt16, "U16", 2),
        (SafetensorsType.Float16, "F16", 2),
        (SafetensorsType.BFloat16, "BF16", 2),
        (SafetensorsType.Int32, "I32", 4),
        (SafetensorsType.UInt32, "U32", 4),
        (SafetensorsType.Float32, "F32", 4),
        (SafetensorsType.Float64, "F64", 8),
        (SafetensorsType.Int64, "I64", 8),
        (SafetensorsType.UInt64, "U64", 8),
    ];

    /// <summary>Size of one element in bytes.</summary>
    public static int ByteSize(this SafetensorsType type) => Known[(int)type].ByteSize;

    /// <summary>The type's name in a header, for instance <c>BF16</c>.</summary>
    public static string HeaderName(this SafetensorsType type) => Known[(int)type].Name;

    /// <summary>The type as weights know it; null for integers and other types that no weight here has.</summary>
    public static ElementType? ToElementType(this SafetensorsType type) => type switch
    {
        SafetensorsType.Float32 => ElementType.Float32,
        SafetensorsType.Float16 => ElementType.Float16,
        SafetensorsType.BFloat16 => ElementType.BFloat16,
        _ => null,
    };

    /// <summary>The type of a header name; null if it is unknown.</summary>
    public static SafetensorsType? FromHeaderName(string name)
    {
        var index = Array.FindIndex(Known, known => known.Name == name);
        return index < 0 ? null : Known[index].Type;
    }
}
