using System.Text.Json;
using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Tests.Cli.Bench;

public class BenchmarkJsonTests
{
    private static readonly JsonElement Report = Write();

    [Fact]
    public void Write_FakeReport_HasEnvironmentAndSettings()
    {
        Assert.Equal(
            """{"started":"2025-01-02T03:04:05+00:00","version":"1.2.3","runtime":".NET 10.0.0","operating_system":"Linux","processor":"Processor X","cores":2}""",
            Compact(Report.GetProperty("environment")));
        Assert.Equal("""{"repetitions":2,"warm_ups":1,"seed":7,"bandwidth_gigabytes":25}""", Compact(Report.GetProperty("settings")));
    }

    [Fact]
    public void Write_FakeReport_HasThePipelinesWithTheirDevices()
    {
        var pipeline = Assert.Single(Report.GetProperty("pipelines").EnumerateArray());
        Assert.Equal("f32", pipeline.GetProperty("compute_type").GetString());
        Assert.Equal("Processor X", Assert.Single(pipeline.GetProperty("stages").EnumerateArray()).GetProperty("device_name").GetString());
    }

    [Fact]
    public void Write_FakeReport_HasEveryResultWithItsRawSamples()
    {
        var decode = Report.GetProperty("results")[1];
        Assert.Equal("""{"kind":"decode","tokens":8,"depth":32,"batch":4,"scaling":"weak","batch_unit":2}""", Compact(decode.GetProperty("definition"), 6));
        Assert.Equal("""{"mean":87.654,"standard_deviation":0.5,"median":87.75,"minimum":87.25,"maximum":88.25}""", Compact(decode.GetProperty("tokens_per_second")));
        Assert.Equal("[87.25,88.25]", Compact(decode.GetProperty("samples")));
        Assert.Equal("""{"count":64,"p50":310.4,"p90":420,"p99":999.6}""", Compact(decode.GetProperty("hop_microseconds")));
        Assert.Equal(JsonValueKind.Null, decode.GetProperty("time_to_first_token_milliseconds").ValueKind);
    }

    private static JsonElement Write()
    {
        using var text = new StringWriter();
        JsonOutput.Write(text, FakeReport.Create());
        return JsonDocument.Parse(text.ToString()).RootElement;
    }

    private static string Compact(JsonElement element, int properties = int.MaxValue) => element.ValueKind == JsonValueKind.Object
        ? JsonSerializer.Serialize(element.EnumerateObject().Take(properties).ToDictionary(property => property.Name, property => property.Value), Relaxed)
        : JsonSerializer.Serialize(element, Relaxed);

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
