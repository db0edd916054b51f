namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>
/// When requests are made. The gaps follow a gamma distribution whose mean is one over the rate: burstiness 1 is a Poisson
/// process, below 1 requests come in bursts, above 1 they come evenly. An infinite rate makes all of them at once.
/// </summary>
public sealed record ArrivalProcess(double RequestsPerSecond, double Burstiness, ulong Seed)
{
    /// <summary>Milliseconds from the beginning until each request; the first is made at once.</summary>
    public IReadOnlyList<double> Milliseconds(int count)
    {
        var times = new double[count];
        if (double.IsPositiveInfinity(RequestsPerSecond))
        {
            return times;
        }

        var random = new Random(unchecked((int)((Seed * 1_000_003) + 3)));
        for (var index = 1; index < count; index++)
        {
            times[index] = times[index - 1] + (1000 * Gamma(random, Burstiness) / (Burstiness * RequestsPerSecond));
        }

        return times;
    }

    /// <summary>Marsaglia and Tsang's method; a shape below 1 is drawn from one above and scaled down.</summary>
    private static double Gamma(Random random, double shape)
    {
        if (shape < 1)
        {
            return Gamma(random, shape + 1) * Math.Pow(Positive(random), 1 / shape);
        }

        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var normal = Normal(random);
            var root = 1 + (c * normal);
            if (root > 0 && Math.Log(Positive(random)) < (0.5 * normal * normal) + d - (d * root * root * root) + (3 * d * Math.Log(root)))
            {
                return d * root * root * root;
            }
        }
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(Positive(random))) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>Never 0, whose logarithm is not finite.</summary>
    private static double Positive(Random random) => 1 - random.NextDouble();
}
