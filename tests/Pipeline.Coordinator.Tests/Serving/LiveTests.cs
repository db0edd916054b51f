using System.Net.Http.Headers;
using System.Text.Json;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>The picture of the pipeline over HTTP, and the page that shows it.</summary>
public class LiveTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pipeline_WhileLoading_SaysSo()
    {
        await using var server = await ServerUnderTest.LoadingAsync(ServerUnderTest.Options, [], TimeProvider.System);
        var view = JsonDocument.Parse(await server.Http.GetStringAsync("/pipeline", Token)).RootElement;
        Assert.Equal(("loading", "the workers are being started"), (view.GetProperty("state").GetString(), view.GetProperty("message").GetString()));
        Assert.Equal(0, view.GetProperty("stages").GetArrayLength());
    }

    [Fact]
    public async Task Pipeline_StepsThroughTwoStages_AreShown()
    {
        await using var server = await ServerUnderTest.SayingAsync("To be");
        var second = TimeProvider.System.TimestampFrequency;
        var ended = (long)((TimeProvider.System.GetTimestamp() - (second / 2)) * (1e9 / second));
        long At(int microseconds) => ended - (2_000_000L * 100) + (microseconds * 1000L);
        server.Steps.Add([new StepReport(0, 1, new MicrobatchId(3), 9, 2, At(0), At(10), At(50_010), At(50_030))]);
        server.Steps.Add([new StepReport(1, 1, new MicrobatchId(3), 9, 2, At(51_110), At(51_120), At(91_120), At(91_130))]);

        var view = JsonDocument.Parse(await server.Http.GetStringAsync("/pipeline", Token)).RootElement;

        Assert.Equal((ServerUnderTest.Model, "serving", ""), (view.GetProperty("model").GetString(), view.GetProperty("state").GetString(), view.GetProperty("message").GetString()));
        Assert.Equal(100, view.GetProperty("hop_microseconds").GetDouble(), 0.001);
        var stages = view.GetProperty("stages").EnumerateArray().ToArray();
        Assert.Equal([0.025, 0.02], stages.Select(stage => Math.Round(stage.GetProperty("busy").GetDouble(), 6)));
        Assert.Equal([50.0, 40.0], stages.Select(stage => stage.GetProperty("step_milliseconds").GetDouble()));
        Assert.Equal(["0..3", "4..7"], stages.Select(stage => stage.GetProperty("layers").GetString()));
        Assert.All(stages, stage => Assert.True(stage.GetProperty("up").GetBoolean()));
        Assert.Equal(1 - (90_000.0 / 2 / 90_130), view.GetProperty("bubble").GetDouble(), 1e-6);
        Assert.Contains("pipeline_bubble_ratio{model_name=\"scripted\",engine=\"0\"} 0.50", await server.MetricsAsync(), StringComparison.Ordinal);
        var timeline = view.GetProperty("timeline").EnumerateArray().Select(step => step.EnumerateArray().Select(field => field.GetInt64()).ToArray()).ToArray();
        Assert.Equal([(0L, 3L, 9L, 2L), (1L, 3L, 9L, 2L)], timeline.Select(step => (step[0], step[1], step[2], step[3])));
        Assert.Equal([(50_000L, 20L), (40_000L, 10L)], timeline.Select(step => (step[4] - step[5], step[5] - step[6])), (expected, actual) => Math.Abs(expected.Item1 - actual.Item1) <= 1 && Math.Abs(expected.Item2 - actual.Item2) <= 1);
    }

    [Fact]
    public async Task Live_Stream_ShowsOnePictureAfterTheOther()
    {
        await using var server = await ServerUnderTest.SayingAsync("To be");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/pipeline/live");
        using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal(new MediaTypeHeaderValue("text/event-stream"), answer.Content.Headers.ContentType);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(Token));
        for (var picture = 0; picture < 3; picture++)
        {
            var line = await lines.ReadLineAsync(Token);
            Assert.StartsWith("data: ", line, StringComparison.Ordinal);
            Assert.Equal("serving", JsonDocument.Parse(line!["data: ".Length..]).RootElement.GetProperty("state").GetString());
            Assert.Equal("", await lines.ReadLineAsync(Token));
        }
    }

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/page.css", "text/css")]
    [InlineData("/page.js", "text/javascript")]
    [InlineData("/timeline.js", "text/javascript")]
    [InlineData("/chat.js", "text/javascript")]
    public async Task Page_ItsFiles_AreServedToThisPageOnly(string path, string type)
    {
        await using var server = await ServerUnderTest.LoadingAsync(ServerUnderTest.Options, [], TimeProvider.System);
        using var answer = await server.Http.GetAsync(path, Token);
        Assert.Equal((200, type), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.StartsWith("default-src 'self';", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.NotEmpty(await answer.Content.ReadAsStringAsync(Token));
    }
}
