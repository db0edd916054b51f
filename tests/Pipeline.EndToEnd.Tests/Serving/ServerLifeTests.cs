using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Coordinator.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>The server as a program: before it is loaded, while it is told to end, and when a stage is gone.</summary>
public sealed class ServerLifeTests
{
    // Seconds of work, so that what is to happen meanwhile does, and far less than the patience with it.
    private const int LongAnswer = 1200;

    private static readonly string[] Patient = ["--stages", "2", "--shutdown-timeout", "110"];
    private static readonly object LongRequest = new { prompt = "ROMEO:\n", max_tokens = LongAnswer, ignore_eos = true, temperature = 0 };
    private static readonly object EndlessRequest = new { prompt = "ROMEO:\n", max_tokens = 4000, ignore_eos = true, temperature = 0 };

    [Fact]
    public async Task Loading_RequestsAreToldSo_AndTheProcessIsAlive()
    {
        await using var server = await CoordinatorServer.ListenAsync("--stages", "2");

        var (status, error, retryAfter) = await RefusalAsync(server, LongRequest);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "loading"), (status, error.GetProperty("code").GetString()));
        Assert.StartsWith("the model is loading: ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.NotNull(retryAfter);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(server, "/health"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "/health/live"));
        Signals.SendTerminate(server.Process.Id);
        await AssertEndsWellAsync(server);
    }

    [Fact]
    public async Task Terminate_WhileAnswering_FinishesTheAnswerAndTakesNoOther()
    {
        await using var server = await CoordinatorServer.StartAsync(Patient);
        var workers = ProcessTable.ChildrenOf(server.Process.Id);
        Assert.Equal(2, workers.Count);
        var answering = server.PostAsync("/v1/completions", LongRequest);
        await WaitUntilRunningAsync(server);

        Signals.SendTerminate(server.Process.Id);

        await server.Process.WaitForErrorAsync("waiting up to 110 s for 1 running answer");
        var (status, error, retryAfter) = await RefusalAsync(server, LongRequest);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "draining"), (status, error.GetProperty("code").GetString()));
        Assert.NotNull(retryAfter);
        using var answer = await answering;
        Assert.Equal(LongAnswer, answer.RootElement.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        await AssertEndsWellAsync(server);
        Assert.All(workers, worker => Assert.False(ProcessTable.IsRunning(worker)));
    }

    /// <summary>What a terminal does on Ctrl-C: the workers are in the terminal's group, but the signal is not for them.</summary>
    [Fact]
    public async Task Interrupt_OfTheWholeGroup_FinishesTheAnswer()
    {
        await using var server = await CoordinatorServer.StartAsync(Patient);
        var answering = server.PostAsync("/v1/completions", LongRequest);
        await WaitUntilRunningAsync(server);

        Signals.SendInterruptToGroup(server.Process.Id);

        using var answer = await answering;
        Assert.Equal("length", answer.RootElement.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        await AssertEndsWellAsync(server);
    }

    [Fact]
    public async Task Terminate_AnswerLongerThanThePatience_IsCutOffWithAnError()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "1", "--shutdown-timeout", "0");
        var frames = await StreamAsync(server, EndlessRequest, onFirstText: () => Signals.SendTerminate(server.Process.Id));

        Assert.Equal("[DONE]", frames[^1]);
        Assert.Equal("stopping", JsonDocument.Parse(frames[^2]).RootElement.GetProperty("error").GetProperty("code").GetString());
        await AssertEndsWellAsync(server);
    }

    [Fact]
    public async Task SecondSignal_EndsAtOnceAndLeavesNoWorker()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "2");
        var workers = ProcessTable.ChildrenOf(server.Process.Id);
        var answering = server.PostAsync("/v1/completions", EndlessRequest);
        await WaitUntilRunningAsync(server);
        Signals.SendInterrupt(server.Process.Id);
        await server.Process.WaitForErrorAsync("a second signal ends at once");

        Signals.SendInterrupt(server.Process.Id);

        await server.Process.WaitForExitAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => answering);
        await Task.WhenAll(workers.Select(ProcessTable.WaitForEndAsync));
    }

    [Fact]
    public async Task StageKilled_NobodyIsToWait_IsNamedInTheStreamAndUntilItIsBack()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "3", "--recovery-timeout", "0");
        var victim = WorkerOf(server, 1);

        var frames = await StreamAsync(server, EndlessRequest, onFirstText: () => Signals.SendKill(victim));

        Assert.Equal("[DONE]", frames[^1]);
        AssertStageLost(JsonDocument.Parse(frames[^2]).RootElement.GetProperty("error"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "/health/live"));
        await Eventually.HoldsAsync(() => StatusAsync(server, "/health").GetAwaiter().GetResult() == HttpStatusCode.OK, () => $"the stage is back; the server says: {server.Process.Error}");
        using var answer = await server.PostAsync("/v1/completions", new { prompt = "ROMEO:\n", max_tokens = 3 });
        Assert.Equal((1, 3), (server.Metrics("pipeline_recoveries_total"), server.Metrics("pipeline_stage_up")));
        Assert.True(server.Metrics("pipeline_recovery_seconds_total") > 0, "it took no time");

        static void AssertStageLost(JsonElement error)
        {
            Assert.Equal("stage_lost", error.GetProperty("code").GetString());
            Assert.StartsWith("stage 1: ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Nobody asks anything, so only the canary can find out. The connection is up until pings are missed, which takes longer.</summary>
    [Fact]
    public async Task StageFrozen_Idle_IsNotReadyAnyMoreAndNamed()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "3", "--ready-timeout", "2");
        await Task.Delay(TimeSpan.FromSeconds(4), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "/health"));
        var frozen = WorkerOf(server, 1);

        Signals.SendStop(frozen);

        await Eventually.HoldsAsync(
            () => !server.Http.GetAsync("/health", TestContext.Current.CancellationToken).GetAwaiter().GetResult().IsSuccessStatusCode, "/health says that it is not ready");
        var message = await (await server.Http.GetAsync("/health", TestContext.Current.CancellationToken)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Signals.SendKill(frozen);
        Assert.Contains("stage 1", message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server, "/health/live"));
    }

    [Fact]
    public async Task PortTaken_IsKnownBeforeAnythingIsLoaded()
    {
        await using var server = await CoordinatorServer.ListenAsync("--stages", "1");
        await using var second = CoordinatorProcess.Start("", "serve", "--model", Fixtures.TinyMixtral, "--port", $"{server.Address.Port}");

        Assert.Equal((int)ExitCode.BadInput, await second.WaitForExitAsync());
        Assert.Contains($"error: cannot listen on 127.0.0.1:{server.Address.Port}", second.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("starting", second.Error, StringComparison.Ordinal);
    }

    private static async Task AssertEndsWellAsync(CoordinatorServer server)
    {
        var code = await server.Process.WaitForExitAsync();
        Assert.True(code == 0, $"{code}: {server.Process.Error}");
        Assert.DoesNotContain("fail:", server.Process.Error, StringComparison.Ordinal);
    }

    private static Task WaitUntilRunningAsync(CoordinatorServer server) => Eventually.HoldsAsync(() => server.Metrics("vllm:num_requests_running") == 1, "the request is running");

    /// <summary>Workers are started in the order of their stages, and process ids rise.</summary>
    private static int WorkerOf(CoordinatorServer server, int stage) => ProcessTable.ChildrenOf(server.Process.Id).Order().ElementAt(stage);

    private static async Task<(HttpStatusCode Status, JsonElement Error, string? RetryAfter)> RefusalAsync(CoordinatorServer server, object body)
    {
        using var answer = await server.Http.PostAsJsonAsync("/v1/completions", body, TestContext.Current.CancellationToken);
        var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (answer.StatusCode, document.RootElement.GetProperty("error"), answer.Headers.RetryAfter?.ToString());
    }

    private static async Task<HttpStatusCode> StatusAsync(CoordinatorServer server, string path)
    {
        using var answer = await server.Http.GetAsync(path, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    /// <summary>The data of all frames of a stream, and something that happens once the first text has come.</summary>
    private static async Task<List<string>> StreamAsync(CoordinatorServer server, object body, Action onFirstText)
    {
        var fields = JsonSerializer.SerializeToNode(body)!.AsObject();
        fields["stream"] = true;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(fields) };
        using var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        List<string> frames = [];
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                frames.Add(line["data: ".Length..]);
                if (frames.Count == 1)
                {
                    onFirstText();
                }
            }
        }

        return frames;
    }
}
