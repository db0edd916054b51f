using System.Globalization;
using System.Net.Http.Json;
using Pipeline.EndToEnd.Tests.Processes;

namespace Pipeline.EndToEnd.Tests.Serving.Tracing;

/// <summary>What a collector is told of requests: one span for each, with what every stage did for it inside.</summary>
public sealed class TracingTests
{
    private const int Stages = 2;
    private const int Tokens = 12;
    private const int MostTracedSteps = 128;
    private const string ClientTrace = "0af7651916cd43dd8448eb211c80319c";
    private const string ClientSpan = "b7ad6b7169203331";

    // Clocks of processes are compared by quick answers; this is far more than they are off, and far less than a request takes.
    private const ulong ClockError = 5_000_000;

    [Fact]
    public async Task Request_OfATrace_HasASpanInIt_WithEveryStepOfEveryStageInside()
    {
        await using var collector = await TraceCollector.StartAsync();
        await using var server = await StartAsync(collector);

        await AskAsync(server, Tokens, sampled: "01");

        await Eventually.HoldsAsync(() => collector.Spans.Count >= 1 + (Stages * Tokens), () => $"{collector.Spans.Count} spans");
        var request = Assert.Single(collector.Spans, span => span.ParentId == ClientSpan);
        Assert.Equal((ClientTrace, "POST /v1/completions", 200), (request.TraceId, request.Name, request.Numbers["http.response.status_code"]));
        var steps = collector.Spans.Where(span => span.ParentId == request.Id).ToList();
        Assert.Equal(collector.Spans.Count, 1 + steps.Count);
        Assert.All(steps, step => Assert.Equal(ClientTrace, step.TraceId));
        // The prompt in one step, then one for each further token; every step in every stage.
        Assert.Equal(
            from stage in Enumerable.Range(0, Stages) from _ in Enumerable.Range(0, Tokens) select $"stage {stage}",
            steps.Select(step => step.Name).Order(StringComparer.Ordinal));
        Assert.All(steps, step => Assert.InRange(step.Start, request.Start - ClockError, step.End));
        Assert.All(steps, step => Assert.InRange(step.End, step.Start, request.End + ClockError));
        foreach (var step in steps.GroupBy(step => step.Numbers["pipeline.step"]).Select(step => step.OrderBy(span => span.Numbers["pipeline.stage"]).ToList()))
        {
            Assert.Equal(Stages, step.Count);
            Assert.True(step[0].End <= step[1].Start + ClockError, "a step is in the second stage before the first has finished it");
        }
    }

    [Fact]
    public async Task Request_WithoutTrace_BeginsOne()
    {
        await using var collector = await TraceCollector.StartAsync();
        await using var server = await StartAsync(collector);

        await AskAsync(server, Tokens, sampled: null);

        await Eventually.HoldsAsync(() => collector.Spans.Count >= 1 + (Stages * Tokens), () => $"{collector.Spans.Count} spans");
        var request = Assert.Single(collector.Spans, span => span.ParentId.Length == 0);
        Assert.All(collector.Spans.Where(span => span != request), span => Assert.Equal((request.TraceId, request.Id), (span.TraceId, span.ParentId)));
    }

    /// <summary>A client that does not record its trace decides for its request, a long answer tells only how it began, and the end of the server loses nothing.</summary>
    [Fact]
    public async Task Spans_AreOnlyOfWhatIsRecorded_AndBounded()
    {
        await using var collector = await TraceCollector.StartAsync();
        await using var server = await StartAsync(collector);

        await AskAsync(server, Tokens, sampled: "00");
        await AskAsync(server, MostTracedSteps + 2, sampled: "01");

        Signals.SendTerminate(server.Process.Id);
        await server.Process.WaitForExitAsync();
        var request = Assert.Single(collector.Spans, span => span.ParentId == ClientSpan);
        Assert.Equal(Stages * MostTracedSteps, collector.Spans.Count(span => span.ParentId == request.Id));
        Assert.Equal(1 + (Stages * MostTracedSteps), collector.Spans.Count);
    }

    private static Task<CoordinatorServer> StartAsync(TraceCollector collector) => CoordinatorServer.StartAsync(
        "--stages", Stages.ToString(CultureInfo.InvariantCulture), "--otlp-endpoint", collector.Address);

    private static async Task AskAsync(CoordinatorServer server, int tokens, string? sampled)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(new { prompt = "ROMEO:\n", max_tokens = tokens, ignore_eos = true, temperature = 0 }) };
        if (sampled is not null)
        {
            request.Headers.Add("traceparent", $"00-{ClientTrace}-{ClientSpan}-{sampled}");
        }

        using var answer = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
    }
}
