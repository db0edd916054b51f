using System.Text;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>A result as a block of text in the layout that scripts and people know, or as Markdown tables.</summary>
internal static class ResultText
{
    private const int Width = 50;
    private const int LabelWidth = 40;
    private const string Title = "Serving Benchmark Result";

    public static string Block(LoadReport report, IEnumerable<LatencyKind> metrics)
    {
        var text = new StringBuilder();
        text.AppendLine(Centred($" {Title} ", '='));
        Append(ResultRows.Summary(report));
        foreach (var kind in metrics)
        {
            text.AppendLine(Centred(ResultRows.Heading(kind), '-'));
            Append(ResultRows.Latency(kind, report.Result.Latencies[kind]));
        }

        text.AppendLine(new string('=', Width));
        foreach (var note in report.Notes())
        {
            text.AppendLine(note);
        }

        return text.ToString();

        void Append(IEnumerable<(string Label, string Value)> rows)
        {
            foreach (var (label, value) in rows)
            {
                text.AppendLine($"{label + ":",-LabelWidth} {value}");
            }
        }
    }

    public static string Markdown(LoadReport report, IEnumerable<LatencyKind> metrics)
    {
        var text = new StringBuilder();
        Append(Title, ResultRows.Summary(report));
        foreach (var kind in metrics)
        {
            Append(ResultRows.Heading(kind), ResultRows.Latency(kind, report.Result.Latencies[kind]));
        }

        foreach (var note in report.Notes())
        {
            text.AppendLine($"- {note}");
        }

        return text.ToString();

        void Append(string heading, IEnumerable<(string Label, string Value)> rows)
        {
            text.AppendLine($"| {heading,-LabelWidth} | {"",10} |").AppendLine($"| {new string('-', LabelWidth)} | {new string('-', 9)}: |");
            foreach (var (label, value) in rows)
            {
                text.AppendLine($"| {label,-LabelWidth} | {value,10} |");
            }

            text.AppendLine();
        }
    }

    private static string Centred(string text, char filler)
    {
        var left = (Width - text.Length) / 2;
        return text.PadLeft(text.Length + left, filler).PadRight(Width, filler);
    }
}
