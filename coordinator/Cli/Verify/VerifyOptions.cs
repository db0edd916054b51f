using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Coordinator.Sharding;
using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Verification;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary>The options of <c>verify</c>, and the plan they amount to.</summary>
internal sealed class VerifyOptions
{
    private const string GoldenTolerance = "0.001";

    private static readonly int[] DefaultStages = [1, 2, 4];
    private static readonly int?[] DefaultChunks = [1, 7, 64, null];

    private readonly PipelineOptions _pipeline = new();

    private readonly Option<string?> _golden = new("--golden", "-g")
    {
        Description = "An oracle's outputs in a safetensors file (default: compare with a single stage, bit for bit)",
        HelpName = "FILE",
    };

    private readonly Option<int[]?> _stages = new("--stages", "--pipeline-parallel-size", "-pp")
    {
        Description = "Stage counts to try, for instance 1,2,4 (the default, as far as the layers go)",
        HelpName = "LIST",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = Parsers.Integers(minimum: 1, maximum: 1024),
    };

    private readonly Option<int?[]?> _chunks = new("--chunk", "--max-num-batched-tokens")
    {
        Description = $"Most tokens in one step, one size after the other; {ChunkSize.All} is enough for all prompts at once (default: 1,7,64,{ChunkSize.All})",
        HelpName = "LIST",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = Parsers.IntegersOr(ChunkSize.All, minimum: 1, CommonOptions.MostTokens),
    };

    private readonly Option<Tolerance?> _tolerance = new("--tolerance")
    {
        Description = $"Largest difference of a logit that passes (default: {GoldenTolerance} with --golden, without it 0); with a % sign, of the typical position, for rounded types",
        HelpName = "X|P%",
        CustomParser = ReadTolerance,
    };

    private readonly Option<int> _seed = new("--seed")
    {
        Description = "Seed of the built-in prompts and of dummy weights",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
        CustomParser = Parsers.Integer(minimum: 0, int.MaxValue),
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _golden, _stages, _chunks, _tolerance, _seed })
        {
            command.Add(option);
        }

        _pipeline.AddForManyPlansTo(command);
    }

    public VerifyPlan Resolve(ParseResult parsed)
    {
        var model = _pipeline.Model(parsed);
        var golden = parsed.GetValue(_golden) is { } file ? GoldenFile.Read(file, model.Config) : null;
        var cases = golden?.Cases.Select(item => item.Case).ToList() ?? BuiltInCases.Create(model.Config.VocabularySize, _pipeline.LongestSequence(parsed, model.Config), parsed.GetValue(_seed));
        CheckLengths(cases, _pipeline.LongestSequence(parsed, model.Config));
        var chunks = (parsed.GetValue(_chunks) is { Length: > 0 } given ? given : DefaultChunks).Select(tokens => new ChunkSize(tokens)).ToList();
        return new VerifyPlan(
            model,
            golden is null ? "one stage" : $"golden file {golden.Path}",
            cases,
            golden?.Cases.Select(item => item.Expected).ToList(),
            Settings(1),
            [.. Stages(parsed, model.Config).Select(Settings)],
            chunks,
            parsed.GetValue(_tolerance) ?? (golden is null ? Tolerance.None : Tolerance.Parse(GoldenTolerance)!.Value));

        PipelineSettings Settings(int stages) => SettingsFor(parsed, model, stages, cases, chunks, golden is not null);
    }

    private PipelineSettings SettingsFor(
        ParseResult parsed, LocatedModel model, int stages, IReadOnlyList<VerificationCase> cases, IReadOnlyList<ChunkSize> chunks, bool hasGolden)
    {
        var plan = ShardPlanner.Plan(model.Config, model.Config.WeightType, stages, new CostPartition());
        var longest = cases.Max(item => item.Prompt.Count + item.MaxTokens);
        var settings = _pipeline.Resolve(parsed, model, plan, cases.Count, longest, (ulong)parsed.GetValue(_seed));
        return settings with
        {
            MaxBatchedTokens = chunks.Max(chunk => chunk.MaxBatchedTokens(cases)),
            Microbatches = _pipeline.Microbatches(parsed) ?? MicrobatchesFor(stages, cases.Count, hasGolden),
        };
    }

    /// <summary>
    /// With an oracle as many as overlap in every stage, even where that is not the fastest. With one stage as the reference one:
    /// then the same rows travel together however many stages there are, and the same bits can be asked for.
    /// </summary>
    private static int MicrobatchesFor(int stages, int cases, bool hasGolden) => hasGolden ? Math.Min(stages, cases) : 1;

    private int[] Stages(ParseResult parsed, ModelConfig config) =>
        parsed.GetValue(_stages) is { Length: > 0 } given ? given : [.. DefaultStages.Where(stages => stages <= config.LayerCount)];

    private static void CheckLengths(IReadOnlyList<VerificationCase> cases, int limit)
    {
        if (cases.Count == 0)
        {
            throw new UserErrorException($"a context of {limit} tokens is too short for the built-in prompts; the shortest need 25");
        }

        if (cases.FirstOrDefault(item => item.Prompt.Count + item.MaxTokens > limit) is { } tooLong)
        {
            throw new UserErrorException(
                $"{tooLong.Name} has {tooLong.Prompt.Count} prompt tokens and {tooLong.MaxTokens} generated ones, together more than the context of {limit} tokens");
        }
    }

    private static Tolerance? ReadTolerance(ArgumentResult result)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (Tolerance.Parse(text) is { } tolerance)
        {
            return tolerance;
        }

        result.AddError($"--tolerance wants a number of 0 or more, or percents such as 3%, got '{text}'");
        return null;
    }
}
