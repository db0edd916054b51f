using System.CommandLine;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Sharding;

namespace Pipeline.Coordinator.Cli;

/// <summary><c>coordinator plan</c>: how a model would be cut, from its configuration alone.</summary>
internal static class PlanCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = ModelArgument.Option();
        var sharding = new ShardingOptions("");
        var memory = new Option<long?>("--memory-per-stage")
        {
            Description = "Memory of each stage for weights and cache, for instance 80GiB: shows how much cache fits",
            HelpName = "SIZE",
            CustomParser = Parsers.Bytes,
        };
        var maxLength = CommonOptions.MaxModelLength();
        var batched = CommonOptions.MaxBatchedTokens();
        var blockSize = CommonOptions.BlockSize();
        var devices = new DeviceOptions();

        var command = new DocumentedCommand("plan", "Show how a model would be cut into stages, without loading it.")
        {
            Notes =
            [
                "Work is weight bytes read per token. A pipeline runs at the pace of its busiest stage; the imbalance is",
                "that stage's work over the mean. The default cut makes the busiest stage as light as possible and counts",
                "the embedding (first stage) and the output head (last stage). Layers are numbered from 0.",
                "Every stage gets as many cache blocks as the stage with the least room: that one decides the cache.",
                "Weights are counted unpadded. On the CPU its own kernels pad what is narrower than their step, such as a",
                "router over few experts; a stage then reports a little more once it is loaded.",
            ],
            Examples =
            [
                "coordinator plan --stages 4",
                "coordinator plan --stages 4 --device cuda --model ~/models/Mixtral-8x7B-v0.1 --memory-per-stage 80GiB",
                "coordinator plan --model ~/models/Mistral-7B-v0.1 --layers-per-stage 9,8,8,7 --json",
            ],
        };
        command.Add(model);
        sharding.AddTo(command);
        foreach (var option in new Option[] { memory, maxLength, batched, blockSize })
        {
            command.Add(option);
        }

        devices.AddTo(command);
        command.Reports(terminal, Compute, PlanText.Write, report => report.Cache is { Fits: false } ? ExitCode.Failure : ExitCode.Success);
        return command;

        PlanReport Compute(ParseResult parsed)
        {
            var located = ModelArgument.Locate(parsed.GetRequiredValue(model));
            var config = located.Config;
            var plan = sharding.Plan(parsed, config, defaultStages: null);
            var type = devices.TypeOn(parsed, devices.Devices(parsed, plan.StageCount), located, dummy: false);
            var cache = new CacheOptions(parsed.GetValue(blockSize), parsed.GetValue(batched), parsed.GetValue(maxLength) ?? config.MaxPositions, type);
            return PlanReport.Of(config, plan, cache, parsed.GetValue(memory));
        }
    }
}
