using System.CommandLine;

namespace Pipeline.Coordinator.Cli;

/// <summary>Options that several commands have, under the names and aliases that users know from other engines.</summary>
internal static class CommonOptions
{
    public const int DefaultBlockSize = 16;
    public const int DefaultBatchedTokens = 2048;

    /// <summary>The last block of a sequence is half empty on average: more than this saves nothing and wastes much.</summary>
    public const int MostBlockTokens = 1024;

    /// <summary>Beyond any model, and far enough from overflow.</summary>
    public const int MostTokens = 100_000_000;

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON document on standard output and nothing else there" };

    /// <summary>What <c>--output</c> and <c>--json</c> ask for together; null for neither.</summary>
    public static T? FormatOf<T>(ParseResult parsed, Option<T?> output, Option<bool> json, T jsonFormat)
        where T : struct => (parsed.GetValue(output), parsed.GetValue(json)) switch
        {
            (null, true) => jsonFormat,
            ({ } format, true) when !EqualityComparer<T>.Default.Equals(format, jsonFormat) => throw new UserErrorException("--json and --output contradict each other; leave one out"),
            (var format, _) => format,
        };

    public static Option<long> Seed(string description) => new("--seed")
    {
        Description = description,
        HelpName = "N",
        CustomParser = Parsers.LongInteger,
        DefaultValueFactory = _ => 0,
    };

    public static Option<int?> MaxModelLength() => new("--max-model-len", "-c")
    {
        Description = "Longest sequence, prompt and answer together (default: what the model was made for)",
        HelpName = "TOKENS",
        CustomParser = Parsers.OptionalInteger(minimum: 1, MostTokens),
    };

    public static Option<int> BlockSize() => new("--block-size")
    {
        Description = "Tokens per block of the KV cache",
        HelpName = "TOKENS",
        CustomParser = Parsers.Integer(minimum: 1, MostBlockTokens),
        DefaultValueFactory = _ => DefaultBlockSize,
    };

    public static Option<int> MaxBatchedTokens() => new("--max-num-batched-tokens")
    {
        Description = "Most tokens in one step; a longer prompt is cut into chunks of this size",
        HelpName = "TOKENS",
        CustomParser = Parsers.Integer(minimum: 1, MostTokens),
        DefaultValueFactory = _ => DefaultBatchedTokens,
    };
}
