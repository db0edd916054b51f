using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Pipeline.Coordinator.Serving;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Who is let in, how much of it, and what answers carry.</summary>
public class AccessTests
{
    private const string Completions = "/v1/completions";
    private static readonly object Short = new { prompt = "x", max_tokens = 1 };

    [Theory]
    [InlineData(null, 401)]
    [InlineData("Basic one", 401)]
    [InlineData("Bearer ", 401)]
    [InlineData("Bearer on", 401)]
    [InlineData("Bearer one1", 401)]
    [InlineData("Bearer one", 200)]
    [InlineData("bearer two", 200)]
    public async Task Keys_OnlyTheServersOwnOpen(string? header, int expected)
    {
        await using var server = await StartAsync(ServerUnderTest.Options with { ApiKeys = ["one", "two"] });
        if (header is not null)
        {
            server.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        }

        using var answer = await server.PostAsync(Completions, Short);

        Assert.Equal(expected, (int)answer.StatusCode);
        Assert.Equal(expected == 401, answer.Headers.WwwAuthenticate.Count > 0);
        Assert.Equal(expected == 200 ? 1 : 0, server.Stage.Starts.Count);
    }

    [Theory]
    [InlineData("/v1/models", true)]
    [InlineData("/V1/models", true)]
    [InlineData("/v1/nothing", true)]
    [InlineData("/tokenize", true)]
    [InlineData("/detokenize", true)]
    [InlineData("/", false)]
    [InlineData("/pipeline", false)]
    [InlineData("/openapi/v1.json", false)]
    [InlineData("/health", false)]
    [InlineData("/health/live", false)]
    [InlineData("/metrics", false)]
    [InlineData("/version", false)]
    public async Task Keys_GuardWhatCostsOrTells(string path, bool guarded)
    {
        await using var server = await StartAsync(ServerUnderTest.Options with { ApiKeys = ["one"] });

        using var answer = await server.Http.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal(guarded, answer.StatusCode == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task PerKey_OneKeysRequestsDoNotTakeAnothersPlace()
    {
        await using var server = await StartAsync(ServerUnderTest.Options with { ApiKeys = ["one", "two"], MaxConcurrentPerKey = 1 });
        server.Stage.Hold();
        var first = PostWithKeyAsync(server, "one");
        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 1);

        using (var second = await PostWithKeyAsync(server, "one"))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
            Assert.NotNull(second.Headers.RetryAfter);
        }

        var other = PostWithKeyAsync(server, "two");
        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 2);
        server.Stage.Free();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await other).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostWithKeyAsync(server, "one")).StatusCode);
    }

    [Fact]
    public async Task Queue_FullIs429WithRetryAfter_AndPlacesComeBack()
    {
        await using var server = await StartAsync(ServerUnderTest.Options with { MaxSequences = 2, MaxQueue = 1 });
        server.Stage.Hold();
        var taken = Enumerable.Range(0, 3).Select(_ => server.PostAsync(Completions, Short)).ToList();
        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 3);

        using (var refused = await server.PostAsync(Completions, Short))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
            Assert.Contains("rate_limit_exceeded", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        server.Stage.Free();
        Assert.All(await Task.WhenAll(taken), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        using var again = await server.PostAsync(Completions, Short);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task Body_LargerThanTheLimit_Is413()
    {
        await using var server = await StartAsync(ServerUnderTest.Options with { MaxRequestBytes = 1000 });

        var (status, error) = await server.RefusedAsync(Completions, $$"""{"prompt":"{{new string('x', 2000)}}"}""");

        Assert.Equal((413, "request_too_large"), (status, error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Deadline_Is504_AndTheSequenceEnds()
    {
        await using var server = await StartAsync(ServerUnderTest.Options with { RequestTimeout = TimeSpan.FromMilliseconds(50) });
        server.Stage.Hold();

        var (status, error) = await server.RefusedAsync(Completions, """{"prompt":"x"}""");

        Assert.Equal((504, "deadline_exceeded"), (status, error.GetProperty("code").GetString()));
        server.Stage.Free();
        await Eventually.HoldsAsync(() => server.Loop.IsIdle && server.Stage.Live == 0);
    }

    [Theory]
    [InlineData("my-request:1", true)]
    [InlineData("two words", false)]
    [InlineData("", false)]
    public async Task RequestId_IsTheClientsIfItIsAWord(string id, bool kept)
    {
        await using var server = await StartAsync(ServerUnderTest.Options);
        foreach (var path in new[] { "/health", "/nowhere", "/v1/models/unknown" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("X-Request-Id", id);
            using var answer = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);

            var returned = Assert.Single(answer.Headers.GetValues("X-Request-Id"));
            Assert.Equal(kept, returned == id);
            Assert.NotEmpty(returned);
        }
    }

    [Fact]
    public async Task TraceParent_IsTheParentOfTheRequestsActivity()
    {
        const string Trace = "0af7651916cd43dd8448eb211c80319c";
        List<Activity> activities = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Add,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = await StartAsync(ServerUnderTest.Options);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/version");
        request.Headers.Add("traceparent", $"00-{Trace}-b7ad6b7169203331-01");

        using var answer = await server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        await Eventually.HoldsAsync(() => activities.ToArray().Any(activity => activity?.TraceId.ToHexString() == Trace && activity.ParentSpanId.ToHexString() == "b7ad6b7169203331"));
    }

    [Fact]
    public async Task Nowhere_IsAnEnvelopeToo()
    {
        await using var server = await StartAsync(ServerUnderTest.Options);

        Assert.Equal((404, "not_found"), await StatusAndCodeAsync(HttpMethod.Get, "/nowhere"));
        Assert.Equal((405, "method_not_allowed"), await StatusAndCodeAsync(HttpMethod.Get, Completions));

        async Task<(int, string?)> StatusAndCodeAsync(HttpMethod method, string path)
        {
            using var answer = await server.Http.SendAsync(new HttpRequestMessage(method, path), TestContext.Current.CancellationToken);
            var document = await answer.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>(TestContext.Current.CancellationToken);
            return ((int)answer.StatusCode, document.GetProperty("error").GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task Drain_NewRequestsAreRefused_RunningOnesFinish()
    {
        await using var server = await StartAsync(ServerUnderTest.Options);
        server.Stage.Hold();
        var running = server.PostAsync(Completions, Short);
        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 1);

        server.Server.Availability.Drain(TimeSpan.FromSeconds(12));

        using var refused = await server.PostAsync(Completions, Short);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(12)), (refused.StatusCode, refused.Headers.RetryAfter?.Delta));
        using (var health = await server.Http.GetAsync("/health", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        }

        var empty = server.Server.Gate.WaitUntilEmptyAsync(TimeSpan.FromMinutes(1), TimeProvider.System);
        server.Stage.Free();
        Assert.Equal(HttpStatusCode.OK, (await running).StatusCode);
        Assert.True(await empty);
    }

    private static Task<ServerUnderTest> StartAsync(ServerOptions options) => ServerUnderTest.StartAsync(options, [400]);

    private static Task<HttpResponseMessage> PostWithKeyAsync(ServerUnderTest server, string key) => server.Http.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, Completions) { Content = JsonContent.Create(Short), Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } },
        TestContext.Current.CancellationToken);
}
