using System.Globalization;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>Numbers of parameters as people say them: <c>46.70 B</c>, <c>124.60 M</c>.</summary>
internal static class ParameterCount
{
    public static string Format(long parameters)
    {
        var (divisor, unit) = parameters switch
        {
            >= 1_000_000_000 => (1e9, "B"),
            >= 1_000_000 => (1e6, "M"),
            _ => (1e3, "K"),
        };
        return $"{(parameters / divisor).ToString("F2", CultureInfo.InvariantCulture)} {unit}";
    }
}
