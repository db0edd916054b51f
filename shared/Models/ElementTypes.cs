namespace Pipeline.Shared.Models;

/// <summary>Facts about the element types.</summary>
public static class ElementTypes
{
    /// <summary>Size of one element in bytes.</summary>
    public static int ByteSize(this ElementType type) => type switch
    {
        ElementType.Float32 => 4,
        ElementType.Float16 or ElementType.BFloat16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "unknown element type"),
    };
}
