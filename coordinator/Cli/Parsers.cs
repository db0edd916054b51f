using System.CommandLine.Parsing;
using System.Globalization;
using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Cli;

/// <summary>Readers of option values whose complaints name the option, the text and what would be right.</summary>
internal static class Parsers
{
    public static Func<ArgumentResult, int> Integer(int minimum, int maximum) => result => ReadInteger(result, minimum, maximum) ?? minimum;

    public static Func<ArgumentResult, int?> OptionalInteger(int minimum, int maximum) => result => ReadInteger(result, minimum, maximum);

    /// <summary>Any whole number that 64 bits hold.</summary>
    public static Func<ArgumentResult, long> LongInteger { get; } = result =>
    {
        var text = Text(result);
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            Complain(result, text, string.Create(CultureInfo.InvariantCulture, $"a whole number from {long.MinValue} to {long.MaxValue}"));
        }

        return value;
    };

    /// <summary>Any positive number, for instance <c>0.5</c> or <c>4800</c>.</summary>
    public static Func<ArgumentResult, double?> PositiveNumber { get; } = result =>
    {
        var text = Text(result);
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) && value > 0)
        {
            return value;
        }

        Complain(result, text, "a number above 0");
        return null;
    };

    /// <summary>For instance <c>7,5,6</c>.</summary>
    public static Func<ArgumentResult, int[]?> Integers(int minimum, int maximum) => result =>
        ReadList(result, text => InRange(text, minimum, maximum), $"whole numbers from {minimum} to {maximum} with commas between them");

    /// <summary>Whole numbers or a word that stands for null, for instance <c>1,7,all</c>.</summary>
    public static Func<ArgumentResult, int?[]?> IntegersOr(string word, int minimum, int maximum) => result =>
        ReadList<Optional>(result, text => text == word ? new Optional(null) : InRange(text, minimum, maximum) is { } value ? new Optional(value) : null,
            $"whole numbers from {minimum} to {maximum} or the word {word}, with commas between them")?.Select(item => item.Value).ToArray();

    /// <summary>For instance <c>0.6,1.5,-2</c>.</summary>
    public static Func<ArgumentResult, float[]?> Numbers { get; } = result =>
        ReadList<float>(result, text => float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && float.IsFinite(value) ? value : null,
            "numbers with commas between them");

    /// <summary>More than 0 and at most 1.</summary>
    public static Func<ArgumentResult, double> Share { get; } = result =>
    {
        var text = Text(result);
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is > 0 and <= 1)
        {
            return value;
        }

        Complain(result, text, "a number above 0 and at most 1");
        return 1;
    };

    public static Func<ArgumentResult, Uri?> HttpAddress { get; } = result =>
    {
        var text = Text(result);
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
        {
            return address;
        }

        Complain(result, text, "an address such as http://localhost:4318");
        return null;
    };

    /// <summary>For instance <c>80GiB</c>.</summary>
    public static Func<ArgumentResult, long?> Bytes { get; } = result =>
    {
        var text = Text(result);
        if (ByteSize.TryParse(text, out var bytes) && bytes > 0)
        {
            return bytes;
        }

        Complain(result, text, "a size above 0 such as 80GiB, 24GB or 1048576");
        return null;
    };

    /// <summary>One of a few words, each with its meaning.</summary>
    public static Func<ArgumentResult, T?> Word<T>(IReadOnlyDictionary<string, T> words)
        where T : struct => result =>
    {
        var text = Text(result);
        if (words.TryGetValue(text, out var value))
        {
            return value;
        }

        Complain(result, text, $"one of {string.Join(", ", words.Keys)}");
        return null;
    };

    /// <summary>One of a few words, kept as it is.</summary>
    public static Func<ArgumentResult, string> Name(params string[] words) => result =>
    {
        var text = Text(result);
        if (!words.Contains(text))
        {
            Complain(result, text, $"one of {string.Join(", ", words)}");
        }

        return text;
    };

    private static int? ReadInteger(ArgumentResult result, int minimum, int maximum)
    {
        var text = Text(result);
        if (InRange(text, minimum, maximum) is { } value)
        {
            return value;
        }

        Complain(result, text, $"a whole number from {minimum} to {maximum}");
        return null;
    }

    private static int? InRange(string text, int minimum, int maximum) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum ? value : null;

    private static T[]? ReadList<T>(ArgumentResult result, Func<string, T?> read, string expected)
        where T : struct
    {
        var text = Text(result);
        var values = text.Split(',', StringSplitOptions.TrimEntries).Select(read).ToArray();
        if (values.All(value => value is not null))
        {
            return [.. values.Select(value => value!.Value)];
        }

        Complain(result, text, expected);
        return null;
    }

    internal static string Text(ArgumentResult result) => string.Join(',', result.Tokens.Select(token => token.Value));

    internal static void Complain(ArgumentResult result, string text, string expected)
    {
        var option = (result.Parent as OptionResult)?.IdentifierToken?.Value ?? result.Argument.Name;
        result.AddError($"{option} wants {expected}, got '{text}'");
    }

    /// <summary>Tells the word apart from text that could not be read.</summary>
    private readonly record struct Optional(int? Value);
}
