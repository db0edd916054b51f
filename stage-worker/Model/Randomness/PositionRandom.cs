namespace Pipeline.Model.Randomness;

/// <summary>The random number of a draw: a function of seed and position alone.</summary>
public static class PositionRandom
{
    /// <summary>Uniform in [0, 1) with 53 random bits.</summary>
    public static double Uniform(ulong seed, long position) =>
        (SplitMix64.Mix(SplitMix64.Mix(seed + SplitMix64.Increment) + ((ulong)position * SplitMix64.Increment)) >> 11) * (1.0 / (1UL << 53));
}
