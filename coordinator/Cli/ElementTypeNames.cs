using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>How users write element types: the short form is ours, the long one is known from other engines.</summary>
internal static class ElementTypeNames
{
    public static IReadOnlyDictionary<string, ElementType> Words { get; } = new Dictionary<string, ElementType>(StringComparer.OrdinalIgnoreCase)
    {
        ["bf16"] = ElementType.BFloat16,
        ["f16"] = ElementType.Float16,
        ["f32"] = ElementType.Float32,
        ["bfloat16"] = ElementType.BFloat16,
        ["float16"] = ElementType.Float16,
        ["float32"] = ElementType.Float32,
    };

    /// <summary>The short form.</summary>
    public static string ShortName(this ElementType type) => Words.First(word => word.Value == type).Key;
}
