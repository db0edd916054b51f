using System.Runtime.CompilerServices;

namespace Pipeline.Model.Randomness;

/// <summary>
/// The mixing function of the SplitMix64 generator (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014):
/// numbers by counter instead of by state, so that any of them can be made anywhere, in any order.
/// </summary>
internal static class SplitMix64
{
    /// <summary>The golden ratio as a 64-bit fraction: what a counter advances by.</summary>
    public const ulong Increment = 0x9E37_79B9_7F4A_7C15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
