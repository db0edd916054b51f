using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>What goes over the wire, frame by frame.</summary>
public class StreamingTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Completions = "/v1/completions";

    [Fact]
    public async Task Chat_Frames_RoleThenTextThenReasonThenUsageThenDone()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there, my friend");

        var documents = EventText.Documents(await server.StreamAsync(Chat, ChatBody(new { include_usage = true })));

        Assert.Equal(("assistant", ""), (Delta(documents[0]).GetProperty("role").GetString(), Delta(documents[0]).GetProperty("content").GetString()));
        var contents = documents[1..^2];
        Assert.Equal("Hello there, my friend", string.Concat(contents.Select(chunk => Delta(chunk).GetProperty("content").GetString())));
        Assert.All(documents[..^2], chunk => Assert.Equal(JsonValueKind.Null, chunk.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
        Assert.Equal("stop", documents[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Empty(Delta(documents[^2]).EnumerateObject());
        Assert.Empty(documents[^1].GetProperty("choices").EnumerateArray());
        var usage = documents[^1].GetProperty("usage");
        var expected = Tokenizers.Tiny.Encode("Hello there, my friend").Length;
        Assert.Equal(expected, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(usage.GetProperty("prompt_tokens").GetInt32() + expected, usage.GetProperty("total_tokens").GetInt32());
        Assert.Single(documents.Select(chunk => (chunk.GetProperty("id").GetString(), chunk.GetProperty("model").GetString(), chunk.GetProperty("created").GetInt64(), chunk.GetProperty("object").GetString())).Distinct());
    }

    [Fact]
    public async Task Chat_WithoutIncludeUsage_TellsNone()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var documents = EventText.Documents(await server.StreamAsync(Chat, ChatBody(null)));

        Assert.All(documents, chunk => Assert.False(chunk.TryGetProperty("usage", out _)));
        Assert.All(documents, chunk => Assert.Single(chunk.GetProperty("choices").EnumerateArray()));
    }

    /// <summary>Every character is several byte tokens of this vocabulary.</summary>
    [Fact]
    public async Task Text_OfManyBytes_ComesInWholeCharacters()
    {
        const string Text = "日本語 🎭 ünïcödé";
        await using var server = await ServerUnderTest.SayingAsync(Text);

        server.Stage.Hold();
        var streaming = server.StreamAsync(Completions, new { prompt = "x", max_tokens = 200, stream = true });
        for (var step = 1; step <= Tokenizers.Tiny.Encode(Text).Length + 1; step++)
        {
            // One by one, so that few of them are put together.
            server.Stage.LetSteps(1);
            await Eventually.HoldsAsync(() => server.Loop.CompletedSteps >= step);
        }

        server.Stage.Free();
        var documents = EventText.Documents(await streaming);

        var parts = documents.Select(TextOf).ToList();
        Assert.Equal(Text, string.Concat(parts).TrimStart(' '));
        Assert.True(parts.Count > 5);
        Assert.All(parts, part => Assert.DoesNotContain('\ufffd', part));
        Assert.All(parts.Where(part => part.Length > 0), part => Assert.False(char.IsHighSurrogate(part[^1]) || char.IsLowSurrogate(part[0])));
    }

    [Theory]
    [InlineData(false, "Hello the")]
    [InlineData(true, "Hello there, my")]
    public async Task StopString_OverSeveralTokens_NeverShowsAPartOfIt(bool include, string expected)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there, my friend");

        var documents = EventText.Documents(await server.StreamAsync(
            Completions, new { prompt = new[] { 1 }, max_tokens = 50, stream = true, stop = new[] { "zzz", "re, my" }, include_stop_str_in_output = include }));

        Assert.Equal(expected, string.Concat(documents.Select(TextOf)).TrimStart(' '));
        Assert.Equal("stop", documents[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(0, await IdleAsync(server));
    }

    [Fact]
    public async Task SeveralChoices_EachHasItsOwnFramesAndEnd()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there");

        var documents = EventText.Documents(await server.StreamAsync(Chat, new { messages = Messages, n = 3, stream = true, max_tokens = 50 }));

        foreach (var choice in Enumerable.Range(0, 3))
        {
            var own = documents.Select(chunk => chunk.GetProperty("choices")[0]).Where(item => item.GetProperty("index").GetInt32() == choice).ToList();
            Assert.Equal("assistant", own[0].GetProperty("delta").GetProperty("role").GetString());
            Assert.Equal("Hello there", string.Concat(own.Select(item => item.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : "")));
            Assert.Equal("stop", own[^1].GetProperty("finish_reason").GetString());
        }
    }

    [Fact]
    public async Task StageLost_InTheMiddle_IsOneErrorFrameAndDone()
    {
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options, [400]);
        server.Stage.Hold();
        var streaming = server.StreamAsync(Completions, new { prompt = "x", max_tokens = 100, stream = true });
        server.Stage.LetSteps(3);
        await Eventually.HoldsAsync(() => server.Loop.CompletedSteps >= 3);
        server.Stage.FailAtNextStep(new StageException(StageError.StageLost, "gone", 1));

        var documents = EventText.Documents(await streaming);

        Assert.Equal("stage 1: gone (StageLost)", documents[^1].GetProperty("error").GetProperty("message").GetString());
        Assert.All(documents[..^1], document => Assert.False(document.TryGetProperty("error", out _)));
        Assert.NotEmpty(documents[..^1]);
        var (status, error) = await server.RefusedAsync(Completions, """{"prompt":"x"}""");
        Assert.Equal((503, "stage 1: gone (StageLost)"), (status, error.GetProperty("message").GetString()));
    }

    /// <summary>The pings come by the clock of the server, and no other: it is moved by hand.</summary>
    [Fact]
    public async Task LongSilence_IsFilledWithComments()
    {
        var clock = new ManualClock();
        await using var server = await ServerUnderTest.LoadingAsync(ServerUnderTest.Options with { KeepAlive = TimeSpan.FromSeconds(10) }, [400], clock);
        server.Open();
        server.Stage.Hold();
        using var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = JsonContent.Create(new { prompt = "x", max_tokens = 1, stream = true }) };
        using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        for (var ping = 0; ping < 3; ping++)
        {
            await clock.AdvanceAsync(TimeSpan.FromSeconds(10));
            Assert.Equal((": ping", ""), (await LineAsync(reader), await LineAsync(reader)));
        }

        server.Stage.Free();
        Assert.Equal(3, EventText.Data(await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Count);
    }

    [Fact]
    public async Task ClientGone_TheSequenceIsForgottenWithinAStep()
    {
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options, [400]);
        server.Stage.Hold();
        using (var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = JsonContent.Create(new { prompt = "x", max_tokens = 200, stream = true }) })
        {
            using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            server.Stage.LetSteps(2);
            await Eventually.HoldsAsync(() => server.Loop.CompletedSteps == 2);
        }

        await Eventually.HoldsAsync(() => server.Loop.Counters.Running <= 1 && server.Server.Gate.Active == 0);
        // The step in flight, and the one that tells the stages.
        server.Stage.LetSteps(2);
        await Eventually.HoldsAsync(() => server.Loop.IsIdle);
        Assert.Equal((4, 0), (server.Loop.CompletedSteps, server.Stage.Live));
    }

    [Fact]
    public async Task ManyClientsGone_NothingIsLeftOfAnyOfThem()
    {
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options with { MaxQueue = 100 }, [400]);
        await Parallel.ForAsync(0, 300, TestContext.Current.CancellationToken, async (index, token) =>
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(token);
            using var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = JsonContent.Create(new { prompt = new int[1 + (index % 100)], max_tokens = 150, stream = index % 3 > 0 }) };
            var sending = server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
            await Task.Delay(index % 7, token);
            await leaving.CancelAsync();
            await sending.ContinueWith(answer => answer.IsCompletedSuccessfully ? answer.Result : null, TaskScheduler.Default).ContinueWith(answer => answer.Result?.Dispose(), TaskScheduler.Default);
        });

        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 0 && server.Loop.IsIdle && server.Stage.Live == 0);
        var counters = server.Loop.Counters;
        Assert.Equal((0, 0, 0, 0.0, 64), (counters.Running, counters.Waiting, counters.InFlight, counters.CacheUsage, counters.FreeBlocks));
    }

    private static Task<string?> LineAsync(StreamReader reader) => reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);

    private static readonly object[] Messages = [new { role = "user", content = "Speak" }];

    private static object ChatBody(object? streamOptions) => new { messages = Messages, stream = true, stream_options = streamOptions, max_tokens = 50 };

    private static JsonElement Delta(JsonElement chunk) => chunk.GetProperty("choices")[0].GetProperty("delta");

    private static string TextOf(JsonElement chunk) => chunk.GetProperty("choices")[0].GetProperty("text").GetString()!;

    private static async Task<int> IdleAsync(ServerUnderTest server)
    {
        await Eventually.HoldsAsync(() => server.Loop.IsIdle);
        return server.Stage.Live;
    }
}
