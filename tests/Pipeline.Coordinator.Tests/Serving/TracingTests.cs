using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using Pipeline.Coordinator.Serving.Tracing;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Spans of steps, from reports that a test makes up.</summary>
public class TracingTests
{
    private const long Second = 1_000_000_000;
    private const long Offset = 500 * Second;

    [Fact]
    public async Task Steps_AreToldOnTheCoordinatorsClock_InTheTraceOfTheRequest()
    {
        var (spans, trace) = (new ConcurrentBag<Activity>(), ActivityTraceId.CreateRandom());
        using var listener = Listener(spans);
        await using var server = await ServerUnderTest.LoadingAsync(ServerUnderTest.Options, [Tokenizers.Tiny.EosId], TimeProvider.System);
        server.ClockOffsets[1] = Offset;
        server.Open();
        await AskAsync(server, trace);

        var (utc, now) = (DateTime.UtcNow, (long)(Stopwatch.GetTimestamp() * ((double)Second / Stopwatch.Frequency)));
        // A second ago, for two seconds and a half, by a clock that is behind.
        var started = now - Second - Offset;
        server.Steps.Add([new StepReport(1, 1, new MicrobatchId(0), 7, 1, started, started, started + (5 * Second / 2), started + (3 * Second))]);

        var own = spans.Where(span => span.TraceId == trace).ToList();
        var request = Assert.Single(own, span => span.Kind == ActivityKind.Server);
        var step = Assert.Single(own, span => span.Kind == ActivityKind.Internal);
        Assert.Equal((request.SpanId, "stage 1"), (step.ParentSpanId, step.DisplayName));
        Assert.Equal(7, step.GetTagItem("pipeline.tokens"));
        Assert.InRange(step.StartTimeUtc, utc.AddSeconds(-1.3), utc.AddSeconds(-0.7));
        Assert.Equal(2.5, step.Duration.TotalSeconds, 0.001);
    }

    [Fact]
    public async Task Steps_ThatNobodySent_AreNotTold()
    {
        var spans = new ConcurrentBag<Activity>();
        using var listener = Listener(spans);
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        server.Steps.Add([new StepReport(0, 999, new MicrobatchId(0), 1, 1, 1, 1, 2, 2)]);

        Assert.DoesNotContain(spans, span => span.GetTagItem("pipeline.step") is 999L);
    }

    [Fact]
    public void RecentEntries_ForgetTheOldest()
    {
        var entries = new RecentEntries<int, string>(2);

        foreach (var (key, value) in new[] { (1, "a"), (2, "b"), (2, "c"), (3, "d") })
        {
            entries.Set(key, value);
        }

        Assert.Equal([null, "c", "d"], new[] { 1, 2, 3 }.Select(entries.Find));
    }

    private static async Task AskAsync(ServerUnderTest server, ActivityTraceId trace)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(new { prompt = "x", max_tokens = 2 }) };
        request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
        using var answer = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 0);
    }

    private static ActivityListener Listener(ConcurrentBag<Activity> spans)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == PipelineTraces.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
