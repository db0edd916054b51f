using System.Globalization;

namespace Pipeline.Coordinator.Cli.Rendering;

/// <summary>Sizes as people write them: <c>80GiB</c>, <c>24GB</c>, <c>1048576</c>.</summary>
internal static class ByteSize
{
    private static readonly string[] BinaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    private static readonly Dictionary<string, decimal> Factors = new(StringComparer.OrdinalIgnoreCase)
    {
        [""] = 1,
        ["B"] = 1,
        ["KB"] = 1e3m,
        ["MB"] = 1e6m,
        ["GB"] = 1e9m,
        ["TB"] = 1e12m,
        ["K"] = 1L << 10,
        ["M"] = 1L << 20,
        ["G"] = 1L << 30,
        ["T"] = 1L << 40,
        ["KiB"] = 1L << 10,
        ["MiB"] = 1L << 20,
        ["GiB"] = 1L << 30,
        ["TiB"] = 1L << 40,
    };

    /// <summary>Three digits are enough to compare; whole numbers stay whole.</summary>
    public static string Format(long bytes)
    {
        var value = (double)bytes;
        var unit = 0;
        while (Math.Abs(value) >= 1024 && unit < BinaryUnits.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        var digits = value == Math.Floor(value) || Math.Abs(value) >= 100 ? "0" : "0.0";
        return $"{value.ToString(digits, CultureInfo.InvariantCulture)} {BinaryUnits[unit]}";
    }

    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var trimmed = text.Trim();
        var numberLength = trimmed.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        if (!decimal.TryParse(trimmed[..numberLength], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || !Factors.TryGetValue(trimmed[numberLength..].Trim(), out var factor)
            || number > long.MaxValue / factor)
        {
            return false;
        }

        bytes = (long)(number * factor);
        return true;
    }
}
