using System.Net;
using System.Net.Http.Headers;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class StreamingClientTests
{
    private const string Done = "data: [DONE]\n\n";
    private static readonly LoadPrompt Prompt = new(null, [5, 6, 7], OutputTokens: 4);
    private static readonly LoadTarget Target = new(new Uri("http://server.invalid/base/"), "/v1/completions", CompletionEndpoint.Completions, "tiny");

    [Fact]
    public async Task Measure_Completion_HasTheTimesOfItsTexts()
    {
        var outcome = await Measure((30, Text("a")), (10, Text("b")), (15, Text("")), (5, Text("c") + Text("d")), (40, Usage(9, 5) + Done));
        Assert.Null(outcome.Failure);
        Assert.Equal([130, 140, 160, 160], outcome.ContentTimes);
        Assert.Equal((100, 200), (outcome.Started, outcome.Ended));
        Assert.Equal(30, outcome.TimeToFirstToken);
        Assert.Equal(60, outcome.Latency);
        Assert.Equal([10, 20, 0], outcome.IntervalsBetweenContents);
        Assert.Equal((60 - 30) / 4.0, outcome.TimePerOutputToken);
        Assert.Equal((9, 5, true), (outcome.InputTokens, outcome.OutputTokens, outcome.CountedByServer));
    }

    [Fact]
    public async Task Measure_NoUsage_CountsTextsAndTheTokensOfThePrompt()
    {
        var outcome = await Measure((30, Text("a")), (10, Text("b")), (10, Text("c") + Done));
        Assert.Equal((3, 3, false), (outcome.InputTokens, outcome.OutputTokens, outcome.CountedByServer));
        Assert.Equal(10, outcome.TimePerOutputToken);
    }

    [Fact]
    public async Task Measure_CommentsBeforeTheFirstText_AreNoText()
    {
        var outcome = await Measure((30, ": ping\n\n"), (30, ": ping\n\n"), (1, Text("a") + Done));
        Assert.Equal(61, outcome.TimeToFirstToken);
        Assert.Null(outcome.TimePerOutputToken);
    }

    [Fact]
    public async Task Measure_NothingVisible_IsASuccessWithoutLatencies()
    {
        var outcome = await Measure((30, Text("")), (1, Usage(3, 1) + Done));
        Assert.Equal((null, null, null), (outcome.Failure, outcome.TimeToFirstToken, outcome.Latency));
        Assert.Equal(1, outcome.OutputTokens);
    }

    [Fact]
    public async Task Measure_LastBlankLineMissing_IsStillDone() => Assert.Null((await Measure((30, Text("a")), (1, "data: [DONE]"))).Failure);

    [Theory]
    [InlineData(FailureKind.MissingDone, "the stream ended without [DONE]", "data: {\"choices\":[{\"text\":\"a\"}]}\n\n")]
    [InlineData(FailureKind.ServerError, "out of blocks", "data: {\"error\":{\"message\":\"out of blocks\"}}\n\ndata: [DONE]\n\n")]
    [InlineData(FailureKind.ServerError, "out of blocks", "data: {\"error\":{\"message\":\"out of blocks\"}}\n\n")]
    [InlineData(FailureKind.MalformedEvent, "", "data: <html>\n\n")]
    [InlineData(FailureKind.BrokenStream, "connection reset", "data: {\"choices\":[]}\n\n", null)]
    public async Task Measure_BadStream_IsOfThisKind(FailureKind kind, string message, params string?[] pieces)
    {
        var outcome = await Measure([.. pieces.Select(piece => (10L, piece))]);
        Assert.Equal(kind, outcome.Failure!.Kind);
        Assert.Contains(message, outcome.Failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, FailureKind.HttpStatus, """{"error":{"message":"no such model"}}""", "no such model")]
    [InlineData(HttpStatusCode.BadGateway, FailureKind.HttpStatus, "<html>\nbad\n</html>", "<html> bad </html>")]
    [InlineData(HttpStatusCode.InternalServerError, FailureKind.HttpStatus, "", "")]
    [InlineData(HttpStatusCode.TooManyRequests, FailureKind.Throttled, """{"error":{"message":"full"}}""", "full")]
    public async Task Measure_Refusal_HasStatusAndMessage(HttpStatusCode status, FailureKind kind, string body, string message)
    {
        var clock = new ScriptedClock();
        using var server = new ScriptedServer(clock, status, (5, body)) { Prepare = response => response.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(7)) };
        var outcome = await Measure(clock, server, CancellationToken.None);
        Assert.Equal(new RequestFailure(kind, (int)status, message, 7), outcome.Failure);
    }

    [Fact]
    public async Task Measure_NoConnection_IsUnreachable()
    {
        using var server = new FailingServer((_, _) => throw new HttpRequestException("connection refused"));
        Assert.Equal(new RequestFailure(FailureKind.Unreachable, null, "connection refused"), (await Measure(new ScriptedClock(), server, CancellationToken.None)).Failure);
    }

    /// <summary>A read that is given up may also end with a complaint about the connection.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Measure_NoAnswerInTime_IsATimeout(bool breaks)
    {
        using var server = new FailingServer(async (_, cancellationToken) =>
        {
            await Task.WhenAny(Task.Delay(Timeout.Infinite, cancellationToken));
            throw breaks ? new IOException("aborted") : new OperationCanceledException(cancellationToken);
        });
        using var http = new HttpClient(server, disposeHandler: false);
        var client = new StreamingClient(http, Target, new RequestFields(), TimeSpan.FromMilliseconds(1), new LoadClock(TimeProvider.System));
        Assert.Equal(new RequestFailure(FailureKind.Timeout, null, "not through after 0.001 s"), (await client.MeasureAsync(Prompt, TestContext.Current.CancellationToken)).Failure);
    }

    [Fact]
    public async Task Measure_Interrupted_IsNoFailureOfTheServer()
    {
        using var interruption = new CancellationTokenSource();
        using var server = new FailingServer(async (_, cancellationToken) =>
        {
            await interruption.CancelAsync();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        Assert.Equal(FailureKind.Interrupted, (await Measure(new ScriptedClock(), server, interruption.Token)).Failure!.Kind);
    }

    [Fact]
    public async Task Measure_Request_SaysWhatWasAskedFor()
    {
        var clock = new ScriptedClock();
        using var server = new ScriptedServer(clock, HttpStatusCode.OK, (1, Done));
        using var http = new HttpClient(server, disposeHandler: false);
        var fields = new RequestFields { Temperature = 0.5, TopK = 40, IgnoreEos = true };
        await new StreamingClient(http, Target, fields, TimeSpan.FromHours(1), new LoadClock(clock)).MeasureAsync(Prompt, TestContext.Current.CancellationToken);
        await new StreamingClient(http, Target with { Endpoint = CompletionEndpoint.Chat }, new RequestFields(), TimeSpan.FromHours(1), new LoadClock(clock))
            .MeasureAsync(new LoadPrompt("say \"hi\"", null, 2), TestContext.Current.CancellationToken);
        Assert.Equal(
            [
                """{"model":"tiny","prompt":[5,6,7],"max_tokens":4,"temperature":0.5,"top_k":40,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}""",
                """{"model":"tiny","messages":[{"role":"user","content":"say \u0022hi\u0022"}],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}}""",
            ],
            server.Bodies);
        Assert.Equal("http://server.invalid/base/v1/completions", Target.Address.AbsoluteUri);
    }

    private static async Task<RequestOutcome> Measure(params (long Milliseconds, string? Text)[] pieces)
    {
        var clock = new ScriptedClock();
        using var server = new ScriptedServer(clock, HttpStatusCode.OK, pieces);
        return await Measure(clock, server, TestContext.Current.CancellationToken);
    }

    /// <summary>The run is 100 ms old when the request is made.</summary>
    private static async Task<RequestOutcome> Measure(ScriptedClock clock, HttpMessageHandler server, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(server, disposeHandler: false);
        var runClock = new LoadClock(clock);
        clock.Advance(100);
        return await new StreamingClient(http, Target, new RequestFields(), TimeSpan.FromHours(1), runClock).MeasureAsync(Prompt, cancellationToken);
    }

    private static string Text(string text) => $"data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\"}}]}}\n\n";

    private static string Usage(int prompt, int completion) => $"data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion}}}}}\n\n";

    private sealed class FailingServer(Func<HttpRequestMessage, CancellationToken, Task> fail) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await fail(request, cancellationToken);
            throw new InvalidOperationException("the script was to fail");
        }
    }
}
