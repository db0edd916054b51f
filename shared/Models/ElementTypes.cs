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

    /// <summary>
    /// Whether weights stored as one type can be loaded as another. float16 reaches less far than the other types, so nothing but
    /// float16 becomes it.
    /// </summary>
    public static bool LoadsAs(this ElementType stored, ElementType loaded) => loaded != ElementType.Float16 || stored == ElementType.Float16;
}
