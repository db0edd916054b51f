using System.Globalization;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads and checks the fields that both completion endpoints have.</summary>
internal static class AnswerOptionsReader
{
    public const int MostTokens = 100_000_000;

    /// <summary>Alternatives that may be reported for one token.</summary>
    public const int MostLogprobs = 20;

    private const int MostChoices = 128;
    private const int MostStopStrings = 16;
    private const int LongestStopString = 1024;

    public static AnswerOptions Read(RequestFields fields, ServedModel model, int? logprobs)
    {
        UnsupportedFields.Refuse(fields);
        fields.Text("user");
        var stream = fields.Flag("stream") ?? false;
        return new AnswerOptions
        {
            Model = model.RequireName(fields.Text("model")),
            Choices = fields.Integer("n", 1, MostChoices) ?? 1,
            Sampling = Sampling(fields, model.Config) with { Logprobs = logprobs },
            HasSeed = fields.Element("seed") is not null,
            StopStrings = StopStrings(fields, model),
            IncludeStopString = fields.Flag("include_stop_str_in_output") ?? false,
            IgnoreEos = fields.Flag("ignore_eos") ?? false,
            Priority = fields.Integer("priority", int.MinValue, int.MaxValue) ?? 0,
            Stream = stream,
            IncludeUsage = IncludeUsage(fields, stream),
        };
    }

    /// <summary>Stop strings are looked for in the text, which is there only with a tokenizer.</summary>
    private static IReadOnlyList<string> StopStrings(RequestFields fields, ServedModel model)
    {
        var strings = fields.Texts("stop", MostStopStrings, LongestStopString);
        if (strings.Count > 0)
        {
            model.RequireTokenizer("stop", "leave it out or send stop_token_ids");
        }

        return strings;
    }

    private static bool IncludeUsage(RequestFields fields, bool stream)
    {
        if (fields.Object("stream_options") is not { } options)
        {
            return false;
        }

        if (!stream)
        {
            throw ApiException.Invalid("stream_options", "stream_options is set, but stream is not; send stream: true with it");
        }

        if (options.Flag("continuous_usage_stats") ?? false)
        {
            var path = options.PathOf("continuous_usage_stats");
            throw ApiException.Invalid(path, $"{path} is not supported by this server; leave it out, and include_usage: true tells the usage at the end");
        }

        return options.Flag("include_usage") ?? false;
    }

    private static SamplingParams Sampling(RequestFields fields, ModelConfig model) => new()
    {
        Temperature = fields.Number("temperature", 0, 100) ?? 1,
        TopP = fields.Number("top_p", 0, 1) ?? 1,
        TopK = Math.Max(0, fields.Integer("top_k", -1, int.MaxValue) ?? 0),
        MinP = fields.Number("min_p", 0, 1) ?? 0,
        PresencePenalty = fields.Number("presence_penalty", -2, 2) ?? 0,
        FrequencyPenalty = fields.Number("frequency_penalty", -2, 2) ?? 0,
        RepetitionPenalty = fields.Number("repetition_penalty", 0.01f, 100) ?? 1,
        LogitBias = LogitBias(fields, model),
        Seed = unchecked((ulong)(fields.Long("seed", long.MinValue, long.MaxValue) ?? 0)),
        StopTokenIds = fields.List("stop_token_ids", "a list of token ids") is { } ids ? TokenIds.Read(ids, "stop_token_ids", model) : [],
        MinTokens = fields.Integer("min_tokens", 0, MostTokens) ?? 0,
    };

    private static Dictionary<int, float> LogitBias(RequestFields fields, ModelConfig model)
    {
        const float Most = 100;
        const string Wanted = "an object with token ids as keys and numbers from -100 to 100 as values";
        var bias = new Dictionary<int, float>();
        foreach (var (key, value) in fields.Entries("logit_bias", Wanted))
        {
            bias[TokenIds.Parse(key, "logit_bias", model)] = RequestFields.NumberIn(value, -Most, Most)
                ?? throw RequestFields.Wrong($"logit_bias.{key}", value, string.Create(CultureInfo.InvariantCulture, $"a number from {-Most} to {Most}"));
        }

        return bias;
    }
}
