namespace Pipeline.Shared.Models;

/// <summary>Element types of weights, activations and caches. All little-endian.</summary>
public enum ElementType
{
    Float32 = 0,
    Float16 = 1,
    BFloat16 = 2,
}
