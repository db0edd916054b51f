using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Cli;

/// <summary>The options that say how tokens are chosen.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<float> _temperature = Number("--temperature", "0 picks the most probable token; higher is more varied", 1, 0, 100);
    private readonly Option<float> _topP = Number("--top-p", "Nucleus: keep the most probable tokens up to this mass", 1, 0, 1);
    private readonly Option<float> _minP = Number("--min-p", "Drop tokens below this share of the most probable one", 0, 0, 1);
    private readonly Option<float> _repetition = Number("--repetition-penalty", "Above 1 makes tokens of prompt and answer less likely", 1, 0.01f, 100);
    private readonly Option<float> _presence = Number("--presence-penalty", "Subtracted from the logits of tokens already generated", 0, -100, 100);
    private readonly Option<float> _frequency = Number("--frequency-penalty", "Subtracted for every time a token was generated", 0, -100, 100);

    private readonly Option<int> _topK = new("--top-k")
    {
        Description = "Keep the k most probable tokens; 0 keeps all",
        HelpName = "K",
        CustomParser = Parsers.Integer(0, int.MaxValue),
    };

    private readonly Option<long> _seed = CommonOptions.Seed("Same seed, same text; prompt i draws with seed + i");

    private readonly Option<string[]> _bias = new("--logit-bias")
    {
        Description = "Added to one token's logit: ID=VALUE; repeatable",
        HelpName = "ID=VALUE",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<int?> _logprobs = new("--logprobs")
    {
        Description = "Report each token's log-probability and this many alternatives; needs --json",
        HelpName = "N",
        CustomParser = Parsers.OptionalInteger(0, 100),
    };

    private readonly Option<int> _minTokens = new("--min-tokens")
    {
        Description = "No end of text before this many tokens",
        HelpName = "N",
        CustomParser = Parsers.Integer(0, CommonOptions.MostTokens),
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _temperature, _topP, _topK, _minP, _repetition, _presence, _frequency, _bias, _seed, _logprobs, _minTokens })
        {
            command.Add(option);
        }
    }

    public ulong Seed(ParseResult parsed) => unchecked((ulong)parsed.GetValue(_seed));

    /// <summary>How many alternatives to report; null for no log-probabilities at all.</summary>
    public int? Logprobs(ParseResult parsed) => parsed.GetValue(_logprobs);

    public int MinTokens(ParseResult parsed) => parsed.GetValue(_minTokens);

    public SamplingParams Resolve(ParseResult parsed, ModelConfig config) => new()
    {
        Temperature = parsed.GetValue(_temperature),
        TopP = parsed.GetValue(_topP),
        TopK = parsed.GetValue(_topK),
        MinP = parsed.GetValue(_minP),
        RepetitionPenalty = parsed.GetValue(_repetition),
        PresencePenalty = parsed.GetValue(_presence),
        FrequencyPenalty = parsed.GetValue(_frequency),
        LogitBias = LogitBias(parsed.GetValue(_bias) ?? [], config),
        Seed = Seed(parsed),
        Logprobs = Logprobs(parsed),
        MinTokens = MinTokens(parsed),
    };

    private static Dictionary<int, float> LogitBias(IEnumerable<string> texts, ModelConfig config)
    {
        var bias = new Dictionary<int, float>();
        foreach (var (token, value) in texts.Select(Bias))
        {
            if (token >= config.VocabularySize)
            {
                throw new UserErrorException($"--logit-bias names token {token}, which is outside the vocabulary of {config.Name}: ids go from 0 to {config.VocabularySize - 1}");
            }

            if (!bias.TryAdd(token, value))
            {
                throw new UserErrorException($"--logit-bias names token {token} more than once; give it one value");
            }
        }

        return bias;
    }

    private static (int Token, float Value) Bias(string text)
    {
        var parts = text.Split('=', 2);
        return parts.Length == 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var token) && float.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && float.IsFinite(value)
            ? (token, value)
            : throw new UserErrorException($"--logit-bias wants ID=VALUE with a finite number, for instance 13=-5, got '{text}'");
    }

    private static Option<float> Number(string name, string description, float usual, float minimum, float maximum) => new(name)
    {
        Description = description,
        HelpName = "X",
        DefaultValueFactory = _ => usual,
        CustomParser = result => ReadNumber(result, name, minimum, maximum),
    };

    private static float ReadNumber(ArgumentResult result, string name, float minimum, float maximum)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum)
        {
            return value;
        }

        result.AddError($"{name} wants a number from {minimum.ToString(CultureInfo.InvariantCulture)} to {maximum.ToString(CultureInfo.InvariantCulture)}, got '{text}'");
        return minimum;
    }
}
