using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>The options of <c>bench serve</c>, under the names that users of other load generators know.</summary>
internal sealed class ServeOptions
{
    private const int MostRequests = 10_000_000;
    private const int MostSeconds = 1_000_000;
    private const string KeyVariable = "OPENAI_API_KEY";

    private readonly Option<Uri?> _baseUrl = Of("--base-url", "Server to load", "URL", ServeParsers.HttpAddress, new Uri("http://127.0.0.1:8000"));
    private readonly Option<string?> _endpoint = Of("--endpoint", "What to ask: completions, or chat when the path says so", "PATH", ServeParsers.EndpointPath, "/v1/completions");
    private readonly Option<string?> _model = new("--model", "-m") { Description = "Model to ask for (default: the first of /v1/models)", HelpName = "NAME" };
    private readonly Option<string?> _apiKey = new("--api-key") { Description = $"Sent as bearer token (default: {KeyVariable} of the environment)", HelpName = "KEY" };

    private readonly Option<Dataset?> _dataset = Of("--dataset-name", "Prompts: random, or custom or sharegpt from --dataset-path", "NAME", Parsers.Word(new Dictionary<string, Dataset>
    {
        ["random"] = Dataset.Random,
        ["custom"] = Dataset.File,
        ["sharegpt"] = Dataset.Conversations,
    }), null);

    private readonly Option<string?> _datasetPath = new("--dataset-path") { Description = "Text file with a prompt on each line, .jsonl with \"prompt\", or .json of conversations", HelpName = "FILE" };
    private readonly Option<int> _inputLength = Count("--random-input-len", "Tokens of a random prompt", 1, CommonOptions.MostTokens, 1024, "--input-len");
    private readonly Option<int> _outputLength = Count("--random-output-len", "Tokens to generate", 1, CommonOptions.MostTokens, 128, "--output-len");
    private readonly Option<double> _rangeRatio = Of("--random-range-ratio", "How far lengths stray: 0.2 is from 80 % to 120 %", "R", ServeParsers.RangeRatio, 0);

    private readonly Option<PromptForm?> _form = Of("--prompt-form", "Random prompts as ids or as words (default: ids if the server takes them)", "FORM", Parsers.Word(new Dictionary<string, PromptForm>
    {
        ["ids"] = PromptForm.TokenIds,
        ["words"] = PromptForm.Words,
    }), null);

    private readonly Option<int?> _vocabulary = Of("--vocab-size", "Random token ids stay below this (default: found out)", "N", Parsers.OptionalInteger(2, CommonOptions.MostTokens), null);
    private readonly Option<int> _requests = Count("--num-prompts", "Requests to make", 1, MostRequests, 1000);
    private readonly Option<double?> _rate = Of("--request-rate", "Requests a second (default: inf, all at once)", "RATE", ServeParsers.Rate, null);
    private readonly Option<double> _burstiness = Of("--burstiness", "Shape of the gaps between requests: 1 is Poisson, less is burstier", "SHAPE", ServeParsers.Positive, 1);
    private readonly Option<int?> _concurrency = Of("--max-concurrency", "Most requests under way at the same time (default: no limit)", "N", Parsers.OptionalInteger(1, MostRequests), null);
    private readonly Option<int> _warmUps = Count("--num-warmups", "Requests before those that count", 0, MostRequests, 0);
    private readonly Option<bool> _ignoreEos = new("--ignore-eos") { Description = "Go on after the end of text, if the server can" };
    private readonly Option<long> _seed = new("--seed") { Description = "Of prompts, lengths and arrivals", HelpName = "N" };
    private readonly Option<double?> _temperature = Of("--temperature", "Sampling (default: the server's)", "T", ServeParsers.Between(0, 100), null);
    private readonly Option<double?> _topP = Of("--top-p", "Sampling (default: the server's)", "P", ServeParsers.Between(0, 1), null);
    private readonly Option<int?> _topK = Of("--top-k", "Sampling (default: the server's)", "K", Parsers.OptionalInteger(0, CommonOptions.MostTokens), null);
    private readonly Option<double?> _minP = Of("--min-p", "Sampling (default: the server's)", "P", ServeParsers.Between(0, 1), null);
    private readonly Option<double?> _repetition = Of("--repetition-penalty", "Sampling (default: the server's)", "X", ServeParsers.Between(0, 100), null);
    private readonly Option<double?> _frequency = Of("--frequency-penalty", "Sampling (default: the server's)", "X", ServeParsers.Between(-2, 2), null);
    private readonly Option<double?> _presence = Of("--presence-penalty", "Sampling (default: the server's)", "X", ServeParsers.Between(-2, 2), null);
    private readonly Option<int> _timeout = Count("--timeout", "Seconds that a request may take", 1, MostSeconds, 3600);
    private readonly Option<LatencyKind[]?> _metrics = Of("--percentile-metrics", "Latencies to show (default: all four)", "LIST", ServeParsers.Latencies, null);
    private readonly Option<double[]?> _percents = Of("--metric-percentiles", "Percentiles of them (default: 99)", "LIST", ServeParsers.Percents, null);

    private readonly Option<ServiceLevel?> _goodput = new("--goodput")
    {
        Description = "Count requests within these limits in ms, for instance ttft:200 tpot:50 e2el:5000",
        HelpName = "LIMITS",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = ServeParsers.Limits,
    };

    private readonly Option<string?> _result = new("--save-result") { Description = "Also write the result as JSON", HelpName = "FILE.json" };
    private readonly Option<string?> _plot = new("--plot") { Description = "Also draw throughput over time and the latencies", HelpName = "FILE.svg", CustomParser = ChartFile.Name };

    private readonly Option<ServeOutput?> _format = Of("--output", "Form of the result: text (the default), md or json", "FORMAT", Parsers.Word(new Dictionary<string, ServeOutput>
    {
        ["text"] = ServeOutput.Text,
        ["md"] = ServeOutput.Markdown,
        ["json"] = ServeOutput.Json,
    }), null, "-o");

    private readonly Option<bool> _json = CommonOptions.Json();

    public void AddTo(Command command)
    {
        foreach (var option in new Option[]
        {
            _baseUrl, _endpoint, _model, _apiKey, _dataset, _datasetPath, _inputLength, _outputLength, _rangeRatio, _form, _vocabulary, _requests, _rate, _burstiness, _concurrency,
            _warmUps, _ignoreEos, _seed, _temperature, _topP, _topK, _minP, _repetition, _frequency, _presence, _timeout, _metrics, _percents, _goodput, _result, _plot, _format, _json,
        })
        {
            command.Add(option);
        }
    }

    /// <param name="environment">Values of the process's environment.</param>
    public ServePlan Plan(ParseResult parsed, Func<string, string?> environment)
    {
        var plan = new ServePlan
        {
            BaseAddress = parsed.GetRequiredValue(_baseUrl)!,
            Path = parsed.GetRequiredValue(_endpoint)!,
            Model = parsed.GetValue(_model),
            ApiKey = parsed.GetValue(_apiKey) ?? environment(KeyVariable),
            DatasetPath = DatasetPath(parsed),
            Form = parsed.GetValue(_form),
            InputTokens = parsed.GetValue(_inputLength),
            OutputTokens = parsed.GetValue(_outputLength),
            RangeRatio = parsed.GetValue(_rangeRatio),
            VocabularySize = parsed.GetValue(_vocabulary),
            Requests = parsed.GetValue(_requests),
            Settings = new LoadSettings(
                parsed.GetValue(_rate) ?? double.PositiveInfinity, parsed.GetValue(_burstiness), parsed.GetValue(_concurrency), parsed.GetValue(_warmUps), unchecked((ulong)parsed.GetValue(_seed))),
            Fields = Fields(parsed),
            Timeout = TimeSpan.FromSeconds(parsed.GetValue(_timeout)),
            Goodput = parsed.GetValue(_goodput),
            Metrics = parsed.GetValue(_metrics) is { Length: > 0 } metrics ? metrics : Enum.GetValues<LatencyKind>(),
            Percents = parsed.GetValue(_percents) is { Length: > 0 } percents ? percents : [99],
            Output = CommonOptions.FormatOf(parsed, _format, _json, ServeOutput.Json) ?? ServeOutput.Text,
            ResultFile = parsed.GetValue(_result),
            PlotFile = parsed.GetValue(_plot),
        };
        return plan is { Endpoint: CompletionEndpoint.Chat, Form: PromptForm.TokenIds }
            ? throw new UserErrorException("--prompt-form ids needs --endpoint /v1/completions: a chat takes no token ids")
            : plan;
    }

    private string? DatasetPath(ParseResult parsed)
    {
        var path = parsed.GetValue(_datasetPath);
        return parsed.GetValue(_dataset) switch
        {
            Dataset.File or Dataset.Conversations when path is null => throw new UserErrorException("--dataset-path is missing: it names the file with the prompts"),
            Dataset.Conversations when Path.GetExtension(path) != ".json" => throw new UserErrorException($"--dataset-name sharegpt wants a .json file of conversations, got '{path}'; custom takes prompts from .jsonl and text files too"),
            Dataset.Random when path is not null => throw new UserErrorException("--dataset-path and --dataset-name random contradict each other; leave one out"),
            _ => path,
        };
    }

    private RequestFields Fields(ParseResult parsed) => new()
    {
        Temperature = parsed.GetValue(_temperature),
        TopP = parsed.GetValue(_topP),
        TopK = parsed.GetValue(_topK),
        MinP = parsed.GetValue(_minP),
        RepetitionPenalty = parsed.GetValue(_repetition),
        FrequencyPenalty = parsed.GetValue(_frequency),
        PresencePenalty = parsed.GetValue(_presence),
        IgnoreEos = parsed.GetValue(_ignoreEos),
    };

    private static Option<T> Of<T>(string name, string description, string helpName, Func<ArgumentResult, T> parser, T usual, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = helpName,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = parser!,
        DefaultValueFactory = _ => usual,
    };

    private static Option<int> Count(string name, string description, int minimum, int maximum, int usual, params string[] aliases) =>
        Of(name, description, "N", Parsers.Integer(minimum, maximum), usual, aliases);
}
