using System.Globalization;
using Pipeline.Coordinator.Sharding;
using Spectre.Console;

namespace Pipeline.Coordinator.Cli.Rendering;

/// <summary>A plan for people.</summary>
internal static class PlanText
{
    public static void Write(PlanReport report, Terminal terminal)
    {
        terminal.Output.WriteLine(
            $"{report.Model}: {report.LayerCount} layers on {Quantity.Of(report.Stages.Count, "stage")}, "
            + $"{ByteSize.Format(report.WeightBytes)} of weights in {report.ElementType.ShortName()}");
        terminal.Output.WriteLine();
        terminal.Write(Stages(report));
        terminal.Output.WriteLine();
        terminal.Output.WriteLine($"imbalance {Fixed(report.Imbalance, 3)} (busiest stage over mean): stage {report.BusiestStage} sets the pace");
        WriteCache(report, terminal.Output);
    }

    private static Table Stages(PlanReport report)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var title in new[] { "stage", "layers", "count" })
        {
            table.AddColumn(Column(title).RightAligned());
        }

        table.AddColumn(Column("beside layers"));
        foreach (var title in new[] { "tensors", "weights", "KV per token", "work" })
        {
            table.AddColumn(Column(title).RightAligned());
        }

        if (report.Cache is not null)
        {
            table.AddColumn(Column("cache room").RightAligned());
            table.AddColumn(Column("tokens").RightAligned());
        }

        foreach (var stage in report.Stages)
        {
            table.AddRow([.. Cells(stage).Select(cell => new Text(cell))]);
        }

        return table;
    }

    private static IEnumerable<string> Cells(StageReport stage)
    {
        yield return $"{stage.Stage}";
        yield return $"{stage.Layers}";
        yield return $"{stage.Layers.Count}";
        yield return string.Join(", ", new[] { stage.HoldsEmbedding ? "embedding" : "", stage.HoldsHead ? "norm, head" : "" }.Where(part => part.Length > 0));
        yield return Grouped(stage.Tensors);
        yield return ByteSize.Format(stage.WeightBytes);
        yield return ByteSize.Format(stage.KvBytesPerToken);
        yield return $"{Fixed(stage.WorkShare * 100, 1)}%";
        if (stage.FreeBytes is { } free)
        {
            yield return ByteSize.Format(free);
            yield return Grouped(stage.CacheTokens ?? 0);
        }
    }

    private static void WriteCache(PlanReport report, TextWriter output)
    {
        if (report.Cache is not { } cache)
        {
            return;
        }

        output.WriteLine(
            $"cache: stage {cache.DecidingStage} decides: {Grouped(cache.Tokens)} tokens in blocks of {cache.BlockSize}, "
            + $"{Fixed(cache.Sequences, 2)} sequences of {Grouped(cache.MaxModelLength)} tokens");
        var poorest = report.Stages[cache.DecidingStage];
        if (poorest.FreeBytes < 0)
        {
            output.WriteLine($"does not fit: stage {poorest.Stage} needs {ByteSize.Format(poorest.WeightBytes)} for its weights, it has {ByteSize.Format(cache.MemoryPerStage)}; use more stages");
        }
        else if (!cache.Fits)
        {
            output.WriteLine($"does not fit: not one sequence of {Grouped(cache.MaxModelLength)} tokens; use more stages or a smaller --max-model-len");
        }
    }

    private static TableColumn Column(string title) => new TableColumn(new Text(title)).PadLeft(0).PadRight(2).NoWrap();

    private static string Grouped(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Fixed(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);
}
