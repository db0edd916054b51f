namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>Ends of axes whose ticks are round numbers.</summary>
internal static class AxisScale
{
    private static readonly double[] RoundSteps = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

    /// <summary>The least value at or above the given one that is a number of equal round steps.</summary>
    public static double RoundUp(double value, int steps)
    {
        if (value <= 0)
        {
            return 1;
        }

        var power = Math.Pow(10, Math.Floor(Math.Log10(value / steps)));
        return RoundSteps.Select(step => step * power * steps).First(end => end >= value * (1 - 1e-12));
    }
}
