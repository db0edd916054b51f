using System.CommandLine;
using Pipeline.Coordinator.Sharding;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Cli;

/// <summary>The options that say how a model is cut, and the plan they amount to. Every command that cuts one adds these.</summary>
internal sealed class ShardingOptions
{
    private const int MostStages = 1024;
    private const int MostLayers = 10_000;

    private static readonly Dictionary<string, PartitionKind> Kinds = new()
    {
        ["cost"] = PartitionKind.Cost,
        ["even"] = PartitionKind.Even,
    };

    private readonly Option<int?> _stages;

    private readonly Option<int[]?> _layersPerStage = new("--layers-per-stage")
    {
        Description = "Exact cut, for instance 9,8,8,7 (default: chosen by --partition)",
        HelpName = "LIST",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = Parsers.Integers(minimum: 1, MostLayers),
    };

    private readonly Option<PartitionKind?> _partition = new("--partition")
    {
        Description = "How to choose the cut: cost (make the slowest stage fastest; the default) or even (same number of layers)",
        HelpName = "POLICY",
        CustomParser = Parsers.Word(Kinds),
    };

    /// <param name="usual">What --stages is when it is not given, for the help; empty where it has to be.</param>
    public ShardingOptions(string usual) => _stages = new Option<int?>("--stages", "--pipeline-parallel-size", "-pp")
    {
        Description = $"Number of stages that share the model's layers {usual}".TrimEnd(),
        HelpName = "N",
        CustomParser = Parsers.OptionalInteger(minimum: 1, MostStages),
    };

    /// <summary>Ways to choose a cut.</summary>
    private enum PartitionKind
    {
        Cost,
        Even,
    }

    public void AddTo(Command command)
    {
        command.Add(_stages);
        command.Add(_layersPerStage);
        command.Add(_partition);
    }

    /// <summary>For a command that has its own option for stage counts.</summary>
    public void AddPartitionTo(Command command) => command.Add(_partition);

    /// <summary>The cut that the user asked for; <paramref name="defaultStages"/> counts when neither --stages nor --layers-per-stage is given.</summary>
    public ShardPlan Plan(ParseResult parsed, ModelConfig config, int? defaultStages)
    {
        var stages = parsed.GetValue(_stages);
        var kind = parsed.GetValue(_partition);
        if (parsed.GetValue(_layersPerStage) is { Length: > 0 } layersPerStage)
        {
            return kind is null
                ? ShardPlanner.PlanExplicit(config, layersPerStage, stages)
                : throw new UserErrorException("--layers-per-stage already says how to cut; leave out --partition");
        }

        var count = stages ?? defaultStages ?? throw new UserErrorException("say how many stages with --stages N, or cut by hand with --layers-per-stage 9,8,8,7");
        return PlanAt(parsed, config, count);
    }

    /// <summary>The cut into a given number of stages. Work is in proportion to the width of an element, so every type gives the same.</summary>
    public ShardPlan PlanAt(ParseResult parsed, ModelConfig config, int stages)
    {
        IPartitionPolicy policy = parsed.GetValue(_partition) is PartitionKind.Even ? new EvenPartition() : new CostPartition();
        return ShardPlanner.Plan(config, config.WeightType, stages, policy);
    }
}
