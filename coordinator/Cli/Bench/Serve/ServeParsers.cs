using System.CommandLine.Parsing;
using System.Globalization;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>Readers of option values that only a load generator has.</summary>
internal static class ServeParsers
{
    private static readonly Dictionary<string, LatencyKind> LatencyNames = Enum.GetValues<LatencyKind>().ToDictionary(kind => kind.ToString().ToLowerInvariant());

    /// <summary>A positive number, or the word for as fast as possible.</summary>
    public static Func<ArgumentResult, double?> Rate { get; } = result =>
        Parsers.Text(result) == "inf" ? double.PositiveInfinity : Read(result, value => value > 0, "a number above 0 or the word inf");

    public static Func<ArgumentResult, double> Positive { get; } = result => Read(result, value => value > 0, "a number above 0");

    /// <summary>Lengths may stray by less than themselves.</summary>
    public static Func<ArgumentResult, double> RangeRatio { get; } = result => Read(result, value => value is >= 0 and < 1, "a number from 0 to less than 1");

    public static Func<ArgumentResult, double?> Between(double minimum, double maximum) => result =>
        Read(result, value => value >= minimum && value <= maximum, string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}"));

    public static Func<ArgumentResult, Uri?> HttpAddress { get; } = result =>
    {
        var text = Parsers.Text(result);
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address is { Query: "", Fragment: "" })
        {
            return address;
        }

        Parsers.Complain(result, text, "an address such as http://127.0.0.1:8000");
        return null;
    };

    /// <summary>The path decides which protocol is spoken.</summary>
    public static Func<ArgumentResult, string?> EndpointPath { get; } = result =>
    {
        var text = Parsers.Text(result);
        if (text.StartsWith('/') && text.EndsWith("/completions", StringComparison.Ordinal))
        {
            return text;
        }

        Parsers.Complain(result, text, "a path such as /v1/completions or /v1/chat/completions");
        return null;
    };

    /// <summary>For instance <c>ttft,itl</c>.</summary>
    public static Func<ArgumentResult, LatencyKind[]?> Latencies { get; } = result =>
    {
        var text = Parsers.Text(result);
        var words = text.Split(',', StringSplitOptions.TrimEntries);
        if (words.All(LatencyNames.ContainsKey))
        {
            return [.. words.Select(word => LatencyNames[word]).Distinct().Order()];
        }

        Parsers.Complain(result, text, $"some of {string.Join(", ", LatencyNames.Keys)} with commas between them");
        return null;
    };

    /// <summary>For instance <c>50,90,99.9</c>.</summary>
    public static Func<ArgumentResult, double[]?> Percents { get; } = result =>
    {
        var text = Parsers.Text(result);
        var values = text.Split(',', StringSplitOptions.TrimEntries).Select(word => Number(word)).ToArray();
        if (values.All(value => value is >= 0 and <= 100))
        {
            return [.. values.Select(value => value!.Value).Distinct().Order()];
        }

        Parsers.Complain(result, text, "numbers from 0 to 100 with commas between them");
        return null;
    };

    /// <summary>For instance <c>ttft:200 e2el:5000</c>, each at most once.</summary>
    public static Func<ArgumentResult, ServiceLevel?> Limits { get; } = result =>
    {
        var limits = new Dictionary<LatencyKind, double>();
        foreach (var token in result.Tokens.SelectMany(token => token.Value.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries)))
        {
            var parts = token.Split(':', 2);
            if (parts.Length != 2 || !LatencyNames.TryGetValue(parts[0], out var kind) || kind == LatencyKind.Itl || Number(parts[1]) is not > 0 || !limits.TryAdd(kind, Number(parts[1])!.Value))
            {
                Parsers.Complain(result, token, "limits in milliseconds such as ttft:200 tpot:50 e2el:5000, each once");
                return null;
            }
        }

        return new ServiceLevel(Limit(LatencyKind.Ttft), Limit(LatencyKind.Tpot), Limit(LatencyKind.E2el));

        double? Limit(LatencyKind kind) => limits.TryGetValue(kind, out var limit) ? limit : null;
    };

    private static double Read(ArgumentResult result, Func<double, bool> isRight, string expected)
    {
        var text = Parsers.Text(result);
        if (Number(text) is { } value && isRight(value))
        {
            return value;
        }

        Parsers.Complain(result, text, expected);
        return 1;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;
}
