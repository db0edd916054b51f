namespace Pipeline.Model.Sampling;

/// <summary>
/// Random numbers by counter instead of by state: the number for (seed, position) can be computed anywhere, in any order. The
/// mixing function is SplitMix64's (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
/// </summary>
public static class CounterRandom
{
    private const ulong Increment = 0x9E3779B97F4A7C15;

    /// <summary>Uniform in [0, 1) with 53 random bits.</summary>
    public static double Uniform(ulong seed, long position) => (Mix(Mix(seed + Increment) + ((ulong)position * Increment)) >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
