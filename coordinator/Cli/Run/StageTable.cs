using System.Globalization;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Stages;
using Spectre.Console;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>The tables around a run: what each stage is, and what each stage did.</summary>
internal static class StageTable
{
    public static void WriteStart(Terminal terminal, RunningPipeline pipeline)
    {
        var settings = pipeline.Settings;
        terminal.Error.WriteLine(
            $"{settings.Model.Name}: {settings.Model.LayerCount} layers on {settings.StageCount} stage(s), {settings.ComputeType}, {settings.Microbatches} microbatch(es), steps travel by {pipeline.Hops}");
        terminal.Error.WriteLine(DescribeCache(pipeline));
    }

    /// <summary>Every stage has the same number of blocks: what the one with the least memory affords.</summary>
    private static string DescribeCache(RunningPipeline pipeline)
    {
        var (cache, length) = (pipeline.Cache, pipeline.Settings.MaxModelLength);
        var tokens = cache.Groups.Min(group => (long)group.BlockCount * cache.BlockSize);
        var concurrency = cache.Groups.Select((group, index) => (double)group.BlockCount / cache.BlocksFor(index, length)).Min();
        var device = pipeline.Stages.All(stage => stage.Device == "cpu") ? "" : "GPU ";
        return string.Create(
            CultureInfo.InvariantCulture, $"{device}KV cache size: {tokens:N0} tokens, maximum concurrency for {length:N0} tokens: {concurrency:F2}x, {pipeline.Settings.MaxSequences} sequence(s) at most");
    }

    public static void WriteEnd(Terminal terminal, RunReport report)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var heading in new[] { "stage", "layers", "device", "weights", "cache", "busy prefill", "busy decode", "wait input", "wait send", "ms/step" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        var prefill = report.Phases.FirstOrDefault(phase => phase.Phase == "prefill");
        var decode = report.Phases.FirstOrDefault(phase => phase.Phase == "decode");
        foreach (var status in report.StageStatus)
        {
            var stage = status.Shard.StageIndex;
            var main = (decode ?? prefill)?.Stages[stage];
            table.AddRow(
                Text(stage), status.Shard.Layers.ToString(), Markup.Escape(status.Device), ByteSize.Format(status.WeightBytes), ByteSize.Format(status.CacheBytes),
                Percent(prefill?.Stages[stage].BusyShare), Percent(decode?.Stages[stage].BusyShare), Percent(main?.WaitingForInputShare), Percent(main?.WaitingToSendShare),
                main is null ? "-" : main.MedianStepMilliseconds.ToString("F2", CultureInfo.InvariantCulture));
        }

        terminal.WriteToError(table);
        foreach (var phase in report.Phases)
        {
            terminal.Error.WriteLine(
                $"{phase.Phase}: bubble {Percent(phase.BubbleShare)} measured, {Percent(phase.PredictedBubbleShare)} predicted over {phase.Steps} step(s)");
        }

        var throughput = report.Throughput;
        terminal.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"prefill {throughput.PromptTokens} tokens, {throughput.PrefillTokensPerSecond:F1} tok/s; decode {throughput.GeneratedTokens} tokens, {throughput.DecodeTokensPerSecond:F1} tok/s"));
    }

    private static string Percent(double? share) => share is { } value ? value.ToString("P0", CultureInfo.InvariantCulture) : "-";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
