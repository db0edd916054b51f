using CsCheck;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Properties over the same inputs on every machine and in every run. A failure names the seed of its input.</summary>
internal static class FixedSeeds
{
    public static void ForEach<T>(Gen<T> inputs, int count, Action<T> check)
    {
        for (var index = 0u; index < count; index++)
        {
            var pcg = new PCG(index, 20240731);
            inputs.Sample(check, seed: pcg.ToString(pcg.State), iter: 1, threads: 1);
        }
    }
}
