using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests;

/// <summary>Comparisons with the float64 oracle.</summary>
internal static class Close
{
    /// <summary>Float32 against float64, for logits of a magnitude of about 10.</summary>
    public const double Tolerance = 1e-4;

    /// <summary>Rows of logits from a position on; refuses to compare where a rounding error may have chosen another expert.</summary>
    public static void Rows(OracleRun expected, IReadOnlyList<float[]> actual, int firstPosition = 0)
    {
        Assert.True(expected.RouterGap > 1e-4, $"the oracle's experts are tied (gap {expected.RouterGap}): take another seed");
        for (var row = 0; row < actual.Count; row++)
        {
            Vector(expected.Logits[firstPosition + row], actual[row], $"position {firstPosition + row}");
        }
    }

    public static void Vector(IReadOnlyList<double> expected, IReadOnlyList<float> actual, string what, double tolerance = Tolerance)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            // Written so that NaN fails.
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"{what}, element {i}: expected {expected[i]}, got {actual[i]}");
        }
    }
}
