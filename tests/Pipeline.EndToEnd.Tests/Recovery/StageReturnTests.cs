using System.Net;
using System.Text.Json;
using Pipeline.Coordinator.Cli;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.EndToEnd.Tests.Serving;
using Pipeline.EndToEnd.Tests.Serving.Load;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>Workers that somebody else starts and restarts, as on a cluster; the coordinator looks for them by name.</summary>
public sealed class StageReturnTests
{
    private const int Stages = 3;
    private const int Early = 5;

    private static readonly CompletionCall LongCall = CompletionCall.Of(
        ("prompt", "ROMEO:\n"), ("max_tokens", 400), ("temperature", 0.9), ("seed", 5), ("ignore_eos", true), ("stream", true), ("logprobs", 1));

    private static readonly CompletionCall ShortCall = CompletionCall.Of(("prompt", "ROMEO:\n"), ("max_tokens", 3), ("temperature", 0), ("ignore_eos", true));

    [Fact]
    public async Task Launch_WorkersThatComeLater_AreWaitedForByName()
    {
        await using var hosts = new StageHosts(Stages);
        hosts.Start(1);
        await using var server = await CoordinatorServer.ListenAsync("--workers-dns", hosts.Pattern, "--stages", $"{Stages}");
        await server.Process.WaitForErrorAsync($"stage 2: cannot reach a stage worker at {StageHosts.HostOf(2)}:{hosts.Port}: Connection refused; trying again");
        await Eventually.HoldsAsync(() => !HealthAsync(server).GetAwaiter().GetResult().Message.Contains("stage 1 is missing", StringComparison.Ordinal), "stage 1 is there");
        var (_, code, message) = await HealthAsync(server);
        Assert.Equal("loading", code);
        Assert.Contains("stage 0 is missing: cannot reach", message, StringComparison.Ordinal);

        hosts.Start(2);
        await server.Process.WaitForErrorAsync($"stage 2 is there: {StageHosts.HostOf(2)}:{hosts.Port}");
        Assert.DoesNotContain("\nready\n", server.Process.Error, StringComparison.Ordinal);
        hosts.Start(0);

        await server.Process.WaitForErrorAsync("\nready\n");
        Assert.Equal("length", (await ShortCall.AnswerAsync(server.Http, Token)).FinishReason);
    }

    [Fact]
    public async Task Launch_WorkersThatNeverCome_AreAllNamed()
    {
        await using var hosts = new StageHosts(Stages);
        hosts.Start(1);

        var run = await CommandLineRun.Of("run", "--model", Fixtures.TinyMixtral, "--workers-dns", hosts.Pattern, "--stages", $"{Stages}", "--workers-timeout", "4", "--prompt-ids", "1,5,9");

        Assert.Equal(ExitCode.StageFailed, run.ExitCode);
        var error = Assert.Single(run.Error.Split('\n'), line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.StartsWith($"error: 2 of 3 stages are not there after 4 s: stage 0 ({StageHosts.HostOf(0)}:{hosts.Port}): cannot reach", error, StringComparison.Ordinal);
        Assert.Contains($"; stage 2 ({StageHosts.HostOf(2)}:{hosts.Port}): ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ByName_GeneratesWhatItDoesByAddress()
    {
        await using var hosts = StageHosts.Started(2);
        string[] line = ["run", "--model", Fixtures.TinyMixtral, "--prompt-ids", "1,5,9", "-n", "8", "--temperature", "0", "--ignore-eos", "--json"];

        var byName = await CommandLineRun.Succeeding([.. line, "--workers-dns", hosts.Pattern, "--stages", "2"]);
        var byAddress = await CommandLineRun.Succeeding([.. line, "--workers", $"{StageHosts.HostOf(0)}:{hosts.Port},{StageHosts.HostOf(1)}:{hosts.Port}"]);

        Assert.Equal(byAddress.Outputs[0].GetProperty("tokens").GetRawText(), byName.Outputs[0].GetProperty("tokens").GetRawText());
    }

    [Fact]
    public async Task StageThatStaysAway_RequestsFailWithinTheLimit_AndServingResumesWhenItIsBack()
    {
        await using var hosts = StageHosts.Started(Stages);
        await using var server = await StartAsync(hosts, "--recovery-timeout", "3");
        var failing = LongCall.SendAsync(server.Http, Token);
        await Eventually.HoldsAsync(() => server.Metrics("vllm:num_requests_running") == 1, "the request is running");

        await hosts.KillAsync(1);

        await Eventually.HoldsAsync(() => HealthAsync(server).GetAwaiter().GetResult().Code == "recovering", "health tells of it");
        var waiting = ShortCall.SendAsync(server.Http, Token);
        using var stream = await failing;
        Assert.Contains("\"stage_lost\"", await stream.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        foreach (var answering in new[] { waiting, ShortCall.SendAsync(server.Http, Token) })
        {
            using var refusal = await answering;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refusal.StatusCode);
            Assert.NotNull(refusal.Headers.RetryAfter);
            var error = JsonDocument.Parse(await refusal.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("error");
            Assert.Equal("stage_lost", error.GetProperty("code").GetString());
            Assert.StartsWith("stage 1: ", error.GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.EndsWith("not back after 3 s (StageLost)", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal((0, 2), (server.Metrics("pipeline_stage_up", "stage=\"1\""), server.Metrics("pipeline_stage_up")));
        Assert.Equal("stage_lost", (await HealthAsync(server)).Code);
        hosts.Start(1);
        await WaitUntilWholeAsync(server);
        Assert.Equal("length", (await ShortCall.AnswerAsync(server.Http, Token)).FinishReason);
    }

    /// <summary>Nobody is at the address any more, and nobody closes the connection: only missed pings tell.</summary>
    [Fact]
    public async Task StageFrozenAndReplaced_WhileStreaming_TextIsThatOfAnUndisturbedRun()
    {
        await using var hosts = StageHosts.Started(Stages);
        await using var server = await StartAsync(hosts);
        var expected = await WatchedStream.ReadAsync(server, LongCall);

        var actual = await WatchedStream.ReadAsync(server, LongCall, (Early, async () =>
        {
            Signals.SendStop(hosts.IdOf(1));
            await server.Process.WaitForErrorAsync("stage 1 is lost");
            await hosts.KillAsync(1);
            hosts.Start(1);
        }
        ));

        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task StageKilled_WhileItLoads_TheLaunchGoesOnWhenItIsBack()
    {
        await using var hosts = StageHosts.Started(2);
        await using var server = await CoordinatorServer.ListenAsync("--model", "bench-125m", "--load-format", "dummy", "--workers-dns", hosts.Pattern, "--stages", "2", "--max-model-len", "256", "--max-num-seqs", "2");
        await Eventually.HoldsAsync(() => HealthAsync(server).GetAwaiter().GetResult().Message.Contains("% of the bytes", StringComparison.Ordinal), "loading has begun");

        await hosts.KillAsync(1);
        hosts.Start(1);

        await server.Process.WaitForErrorAsync("\nready\n");
        Assert.Contains("stage 1 is lost: ", server.Process.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("stage 0 is lost", server.Process.Error, StringComparison.Ordinal);
    }

    /// <summary>The lease of the dead one is noticed to be over, and the shards are freed for the next.</summary>
    [Fact]
    public async Task CoordinatorKilled_TheNextServesOnTheSameWorkers()
    {
        await using var hosts = StageHosts.Started(Stages);
        CompletionResult expected;
        await using (var first = await StartAsync(hosts))
        {
            expected = await ShortCall.AnswerAsync(first.Http, Token);
            _ = LongCall.SendAsync(first.Http, CancellationToken.None);
            await Eventually.HoldsAsync(() => first.Metrics("vllm:num_requests_running") == 1, "the request is running");
            Signals.SendKill(first.Process.Id);
        }

        await using var second = await StartAsync(hosts);

        Assert.Equal(expected, await ShortCall.AnswerAsync(second.Http, Token));
    }

    private static Task<CoordinatorServer> StartAsync(StageHosts hosts, params string[] arguments) =>
        CoordinatorServer.StartAsync(["--workers-dns", hosts.Pattern, "--stages", $"{hosts.Count}", "--kernels", "cpu", .. arguments]);

    private static Task WaitUntilWholeAsync(CoordinatorServer server) =>
        Eventually.HoldsAsync(() => HealthAsync(server).GetAwaiter().GetResult().Status == HttpStatusCode.OK, () => $"all stages are back; the server says: {server.Process.Error}");

    private static async Task<(HttpStatusCode Status, string Code, string Message)> HealthAsync(CoordinatorServer server)
    {
        using var answer = await server.Http.GetAsync("/health", Token);
        var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token)).RootElement;
        return document.TryGetProperty("error", out var error)
            ? (answer.StatusCode, error.GetProperty("code").GetString()!, error.GetProperty("message").GetString()!)
            : (answer.StatusCode, "", "");
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
