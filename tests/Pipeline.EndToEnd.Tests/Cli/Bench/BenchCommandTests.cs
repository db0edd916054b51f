using System.Text.Json;
using System.Xml.Linq;
using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Cli.Bench;

public class BenchCommandTests
{
    [Fact]
    public async Task Bench_TinyModelOnOneAndTwoStages_ReportsEveryTestOnBoth()
    {
        var chart = Path.Combine(Directory.CreateTempSubdirectory("bench-").FullName, "chart.svg");
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await new CoordinatorApp(new Terminal(output, error)).RunAsync(
            ["bench", "--model", Fixtures.TinyMixtral, "--stages", "1,2", "-p", "16", "-n", "8", "--batch", "2", "--depth", "0,24", "-M", "2", "-r", "2", "--warmup", "0", "--bandwidth", "20", "--json", "--plot", chart],
            TestContext.Current.CancellationToken);
        Assert.True(exit == ExitCode.Success, error.ToString());
        var report = JsonDocument.Parse(output.ToString()).RootElement;
        var results = report.GetProperty("results").EnumerateArray().ToList();
        string[] tests = ["pp16 x2", "tg8 x2", "tg8@24 x2"];
        Assert.Equal(
            from stages in new[] { 1, 2 } from test in tests select (stages, test),
            results.Select(result => (result.GetProperty("stages").GetInt32(), result.GetProperty("test").GetString()!)));
        Assert.All(results, CheckResult);
        Assert.Equal([1, 2], report.GetProperty("pipelines").EnumerateArray().Select(pipeline => pipeline.GetProperty("stages").GetArrayLength()));
        var notes = report.GetProperty("notes").EnumerateArray().Select(note => note.GetString()).ToArray();
        Assert.Equal((2, "steps travel by ipc"), (notes.Length, notes[0]));
        Assert.Contains("all 2 stages share one CPU", notes[1], StringComparison.Ordinal);
        Assert.Equal("svg", XDocument.Load(chart).Root!.Name.LocalName);
        Directory.Delete(Path.GetDirectoryName(chart)!, recursive: true);
    }

    private static void CheckResult(JsonElement result)
    {
        var (stages, isDecode) = (result.GetProperty("stages").GetInt32(), result.GetProperty("definition").GetProperty("kind").GetString() == "decode");
        Assert.Equal(2, result.GetProperty("samples").GetArrayLength());
        Assert.All(result.GetProperty("samples").EnumerateArray(), sample => Assert.True(sample.GetDouble() > 0));
        Assert.Equal(2, result.GetProperty("microbatches").GetInt32());
        Assert.InRange(result.GetProperty("bubble_measured").GetDouble(), 0, 1);
        Assert.Equal(isDecode || stages == 1 ? 0 : 1.0 / 3, result.GetProperty("bubble_predicted").GetDouble(), 9);
        Assert.Equal(stages > 1, result.GetProperty("hop_microseconds").ValueKind == JsonValueKind.Object);
        Assert.Equal(isDecode, result.GetProperty("coordinator_microseconds").ValueKind == JsonValueKind.Object);
        Assert.Equal(isDecode, result.GetProperty("token_interval_milliseconds").ValueKind == JsonValueKind.Object);
        Assert.Equal(!isDecode, result.GetProperty("time_to_first_token_milliseconds").ValueKind == JsonValueKind.Object);
        Assert.Equal(isDecode, result.GetProperty("share_of_bound").ValueKind == JsonValueKind.Number);
        Assert.Equal(JsonValueKind.Number, result.GetProperty("versus_one_stage").ValueKind);
    }
}
