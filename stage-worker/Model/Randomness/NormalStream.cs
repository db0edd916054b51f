using System.Runtime.CompilerServices;

namespace Pipeline.Model.Randomness;

/// <summary>
/// Random numbers by counter: number n of a stream is a function of key and n alone, so any part of a stream can be made
/// anywhere, in any order, and comes out the same.
/// </summary>
internal readonly struct NormalStream
{
    // The sum of four uniform 16-bit numbers has mean 2 * 65535 and variance 4 * (65536^2 - 1) / 12.
    private const int SumMean = 2 * 65535;
    private const float SumDeviation = 37837.227f;

    private readonly ulong _key;

    public NormalStream(ulong seed, string stream) => _key = SplitMix64.Mix(seed + (SplitMix64.Increment * Hash(stream)));

    /// <summary>Near-normal numbers n = first, first + 1, ... none further than 3.5 deviations from the mean.</summary>
    public void Fill(Span<float> numbers, long first, float mean, float deviation)
    {
        var scale = deviation / SumDeviation;
        var counter = _key + (SplitMix64.Increment * (ulong)first);
        for (var i = 0; i < numbers.Length; i++)
        {
            counter += SplitMix64.Increment;
            numbers[i] = mean + (scale * (SumOfFour(SplitMix64.Mix(counter)) - SumMean));
        }
    }

    /// <summary>The same numbers, for somebody else to make.</summary>
    public DummyTensor Describe(float mean, float deviation) => new(_key, mean, deviation / SumDeviation);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SumOfFour(ulong bits)
    {
        const ulong everyOther = 0x0000_ffff_0000_ffff;
        var pairs = (bits & everyOther) + ((bits >> 16) & everyOther);
        return (int)((pairs & 0xffff_ffff) + (pairs >> 32));
    }

    /// <summary>FNV-1a: unlike string.GetHashCode the same in every process.</summary>
    private static ulong Hash(string text)
    {
        var hash = 0xcbf2_9ce4_8422_2325;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 0x0000_0100_0000_01b3;
        }

        return hash;
    }
}
