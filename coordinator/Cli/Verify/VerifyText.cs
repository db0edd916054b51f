using System.Globalization;
using Pipeline.Coordinator.Verification;
using Spectre.Console;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary>The report for people: a table, and below it a line for whatever is not exactly as expected.</summary>
internal static class VerifyText
{
    public static void Write(VerifyReport report, Terminal terminal)
    {
        terminal.Output.WriteLine(
            $"{report.Model} against {report.Reference}: {report.Cases} cases, {report.PromptTokens} prompt tokens, {report.GreedyTokens} generated; tolerance {(report.TypicalTolerance is { } typical ? $"{Percent(typical)} of the typical position" : Number(report.Tolerance!.Value))}");
        terminal.Output.WriteLine();
        terminal.Write(Rows(report.Pipelines));
        foreach (var row in report.Pipelines)
        {
            WriteFindings(row, report.TypicalTolerance, terminal.Output);
        }

        var failed = report.Pipelines.Count(row => !row.Passed);
        terminal.Output.WriteLine();
        terminal.Output.WriteLine(failed == 0 ? $"all {report.Pipelines.Count} pass" : $"{failed} of {report.Pipelines.Count} FAIL");
    }

    /// <summary>One comparison in a line.</summary>
    public static string Line(PipelineComparison row) =>
        $"{Title(row)}: {Difference(row)}{(row.IdenticalBits ? "" : $", typically {Percent(row.TypicalDifference)}")}, greedy {Greedy(row)}, {Verdict(row)}";

    private static Table Rows(IReadOnlyList<PipelineComparison> rows)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var title in new[] { "stages", "chunk", "microbatches", "largest difference", "typical", "greedy", "excused" })
        {
            table.AddColumn(Column(title).RightAligned());
        }

        table.AddColumn(Column("verdict"));
        foreach (var row in rows)
        {
            string[] cells = [$"{row.Stages}", row.Chunk, $"{row.Microbatches}", Difference(row), Percent(row.TypicalDifference), Greedy(row), $"{row.Excused.Count}", Verdict(row)];
            table.AddRow([.. cells.Select(cell => new Text(cell))]);
        }

        return table;
    }

    private static void WriteFindings(PipelineComparison row, float? typicalTolerance, TextWriter output)
    {
        if (typicalTolerance is { } most && !(row.TypicalDifference <= most))
        {
            output.WriteLine($"FAIL {Title(row)}: logits of the typical position differ by {Percent(row.TypicalDifference)}; {Percent(most)} are allowed");
        }

        foreach (var failure in row.Failures)
        {
            output.WriteLine($"FAIL {Title(row)}, {failure.Case}: {Logit(failure.Largest)}{(failure.Mismatch is { } mismatch ? $"; {Token(mismatch)}" : "")}");
        }

        foreach (var excused in row.Excused)
        {
            output.WriteLine($"excused {Title(row)}, {excused.Case}: {Token(excused.Mismatch!)}; {excused.NotCompared} tokens after it not compared");
        }
    }

    private static string Logit(LogitDifference at) =>
        $"logits differ by at most {Number(at.Magnitude)} (position {at.Row}, token {at.Token}: expected {Number(at.Expected)}, got {Number(at.Actual)})";

    private static string Token(TokenMismatch mismatch) =>
        $"generated token {mismatch.Index} should be {mismatch.Expected}, is {mismatch.Actual}, by {Number(mismatch.Shortfall)} of logit";

    private static string Title(PipelineComparison row) => $"{row.Stages} {(row.Stages == 1 ? "stage" : "stages")}, chunk {row.Chunk}";

    private static string Difference(PipelineComparison row) => row.IdenticalBits ? "identical bits" : Number(row.LargestDifference);

    private static string Greedy(PipelineComparison row) => $"{row.GreedyMatches}/{row.GreedyTokens}";

    private static string Verdict(PipelineComparison row) => row.Passed ? "pass" : "FAIL";

    private static string Percent(float share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:G3} %");

    private static string Number(float value) => value.ToString("G3", CultureInfo.InvariantCulture);

    private static TableColumn Column(string title) => new TableColumn(new Text(title)).PadLeft(0).PadRight(2).NoWrap();
}
