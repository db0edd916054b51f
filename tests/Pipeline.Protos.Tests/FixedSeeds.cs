using CsCheck;

namespace Pipeline.Protos.Tests;

/// <summary>Properties over the same inputs on every machine and in every run. A failure names the seed of its input.</summary>
internal static class FixedSeeds
{
    public static void ForEach<T>(Gen<T> inputs, int count, Action<T> check)
    {
        for (var index = 0u; index < count; index++)
        {
            inputs.Sample(check, seed: Seed(index), iter: 1, threads: 1);
        }
    }

    private static string Seed(uint index)
    {
        var pcg = new PCG(index, 20240801);
        return pcg.ToString(pcg.State);
    }
}
