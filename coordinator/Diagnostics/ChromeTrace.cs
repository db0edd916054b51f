using System.Text.Json;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Diagnostics;

/// <summary>
/// Step reports in the Trace Event format that chrome://tracing and ui.perfetto.dev open: a process a stage, with one row each
/// for computing, waiting for input and waiting to send.
/// </summary>
public static class ChromeTrace
{
    private static readonly string[] Rows = ["compute", "wait for input", "send"];

    /// <param name="clockOffsets">Nanoseconds to add to each stage's clock to put all on one axis.</param>
    public static void Write(Stream output, IReadOnlyList<StepReport> reports, IReadOnlyList<long> clockOffsets)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        var origin = reports.Count == 0 ? 0 : reports.Min(report => report.Received + clockOffsets[report.StageIndex]);
        foreach (var stage in reports.GroupBy(report => report.StageIndex).OrderBy(group => group.Key))
        {
            WriteNames(json, stage.Key);
            WriteStage(json, stage.OrderBy(report => report.Step), clockOffsets[stage.Key] - origin);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteStage(Utf8JsonWriter json, IEnumerable<StepReport> reports, long offset)
    {
        long? before = null;
        foreach (var report in reports)
        {
            var name = $"{report.Microbatch} step {report.Step}";
            if (before is { } finished && report.Received > finished)
            {
                WriteSpan(json, report, name, 1, finished + offset, report.Received + offset);
            }

            WriteSpan(json, report, name, 0, report.Started + offset, report.Finished + offset);
            WriteSpan(json, report, name, 2, report.Finished + offset, report.Sent + offset);
            before = report.Finished;
        }
    }

    private static void WriteSpan(Utf8JsonWriter json, StepReport report, string name, int row, long from, long to)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("ph", "X");
        json.WriteNumber("pid", report.StageIndex);
        json.WriteNumber("tid", row);
        json.WriteNumber("ts", from / 1e3);
        json.WriteNumber("dur", Math.Max(0, to - from) / 1e3);
        json.WriteStartObject("args");
        json.WriteNumber("tokens", report.Tokens);
        json.WriteNumber("sequences", report.Sequences);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, int stage)
    {
        WriteName(json, "process_name", stage, 0, $"stage {stage}");
        for (var row = 0; row < Rows.Length; row++)
        {
            WriteName(json, "thread_name", stage, row, Rows[row]);
        }
    }

    private static void WriteName(Utf8JsonWriter json, string kind, int stage, int row, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", kind);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", stage);
        json.WriteNumber("tid", row);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
