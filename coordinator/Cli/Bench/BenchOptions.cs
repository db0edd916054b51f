using System.CommandLine;
using Pipeline.Coordinator.Benchmarking;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>The options of <c>bench</c>, and the launches and tests they amount to.</summary>
internal sealed class BenchOptions
{
    private const int MostStages = 1024;
    private const int MostSequences = 100_000;
    private const int MostRepetitions = 10_000;

    private static readonly Dictionary<string, OutputFormat> Formats = new()
    {
        ["md"] = OutputFormat.Markdown,
        ["csv"] = OutputFormat.Csv,
        ["json"] = OutputFormat.Json,
    };

    private readonly PipelineOptions _pipeline = new();
    private readonly Option<int[]?> _stages = List("Stage counts to compare", 1, MostStages, "1", "--stages", "--pipeline-parallel-size", "-pp");
    private readonly Option<int[]?> _prompt = List("Prompt lengths of the prefill tests; 0 leaves them out", 0, CommonOptions.MostTokens, "512", "--prompt-tokens", "-p");
    private readonly Option<int[]?> _generated = List("Tokens to generate in the decode tests; 0 leaves them out", 0, CommonOptions.MostTokens, "128", "--gen-tokens", "-n");
    private readonly Option<int[]?> _batches = List("Sequences at the same time", 1, MostSequences, "1", "--batch", "-b");
    private readonly Option<int[]?> _depths = List("Context tokens in the cache before decode", 0, CommonOptions.MostTokens, "0", "--depth", "-d");
    private readonly Option<bool> _weak = new("--weak") { Description = "Also test with a batch that grows with the stages" };
    private readonly Option<int> _repetitions = Count("Measured repetitions of each test", 1, 5, "--repetitions", "-r");
    private readonly Option<int> _warmUps = Count("Repetitions before those, at least; 0 for none", 0, 1, "--warmup");
    private readonly Option<long> _seed = CommonOptions.Seed("Of the token ids, and of dummy weights");

    private readonly Option<double?> _bandwidth = new("--bandwidth")
    {
        Description = "Memory bandwidth of one device in GB/s: decode is shown as a share of it",
        HelpName = "GB/S",
        CustomParser = Parsers.PositiveNumber,
    };

    private readonly Option<OutputFormat?> _format = new("--output", "-o")
    {
        Description = "Form of the results: md (the default), csv or json, which has all samples",
        HelpName = "FORMAT",
        CustomParser = Parsers.Word(Formats),
    };

    private readonly Option<bool> _json = CommonOptions.Json();
    private readonly Option<string?> _plot = new("--plot") { Description = "Also draw the results", HelpName = "FILE.svg", CustomParser = ChartFile.Name };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _stages, _prompt, _generated, _batches, _depths, _weak, _repetitions, _warmUps, _seed, _bandwidth, _format, _json, _plot })
        {
            command.Add(option);
        }

        _pipeline.AddWithoutStagesTo(command);
    }

    public BenchPlan Plan(ParseResult parsed)
    {
        var model = _pipeline.Model(parsed);
        var seed = unchecked((ulong)parsed.GetValue(_seed));
        var matrix = new BenchmarkMatrix(Values(parsed, _prompt), Values(parsed, _generated), Values(parsed, _depths), Values(parsed, _batches), parsed.GetValue(_weak));
        if (matrix.TestsFor(1).Count == 0)
        {
            throw new UserErrorException("nothing to test: --prompt-tokens and --gen-tokens are both 0");
        }

        var launches = Values(parsed, _stages)
            .Select(stages => BenchmarkLaunch.Of(
                [.. matrix.TestsFor(stages).Select(test => Checked(test, model.Config))],
                (sequences, longest) => _pipeline.ResolveAt(parsed, model, stages, sequences, Math.Min(longest, model.Config.MaxPositions), seed)))
            .ToList();
        var settings = new BenchmarkSettings(parsed.GetValue(_repetitions), parsed.GetValue(_warmUps), seed, parsed.GetValue(_bandwidth));
        return new BenchPlan(settings, launches, model.Notes, CommonOptions.FormatOf(parsed, _format, _json, OutputFormat.Json) ?? OutputFormat.Markdown, parsed.GetValue(_plot));
    }

    private static BenchmarkTest Checked(BenchmarkTest test, ModelConfig config) =>
        test.PromptLength + test.MinimumTokens <= config.MaxPositions
            ? test
            : throw new UserErrorException(
                $"{test.Name} needs {test.PromptLength + test.MinimumTokens} positions for each sequence, {config.Name} has {config.MaxPositions}; lower --prompt-tokens, --gen-tokens or --depth");

    private static int[] Values(ParseResult parsed, Option<int[]?> option) => [.. parsed.GetValue(option)!.Distinct()];

    private static Option<int[]?> List(string description, int minimum, int maximum, string usual, string name, params string[] aliases) => new(name, aliases)
    {
        Description = $"{description}; several with commas between them",
        HelpName = "LIST",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = Parsers.Integers(minimum, maximum),
        DefaultValueFactory = _ => [int.Parse(usual, System.Globalization.CultureInfo.InvariantCulture)],
    };

    private static Option<int> Count(string description, int minimum, int usual, string name, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = "N",
        CustomParser = Parsers.Integer(minimum, MostRepetitions),
        DefaultValueFactory = _ => usual,
    };
}
