namespace Pipeline.Model.Tests.CpuKernels;

/// <summary>Reproducible inputs.</summary>
internal static class RandomData
{
    /// <summary>Values of a normal distribution.</summary>
    public static float[] Normal(this Random random, long count, float scale = 1)
    {
        var values = new float[count];
        for (var i = 0L; i < count; i++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = scale * (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }

    public static T Pick<T>(this Random random, params ReadOnlySpan<T> choices) => choices[random.Next(choices.Length)];
}
