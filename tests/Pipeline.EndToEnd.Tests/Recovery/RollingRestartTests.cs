using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.EndToEnd.Tests.Serving;
using Pipeline.EndToEnd.Tests.Serving.Load;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>
/// Every stage is restarted, one after the other, while clients ask without a pause: none is refused, none waits for ever, and
/// everyone gets what it would get from an undisturbed server, to the last digit.
/// </summary>
public sealed class RollingRestartTests(AloneAnswers alone) : IClassFixture<AloneAnswers>
{
    private const int Stages = 3;
    private const int Clients = 6;

    [Fact]
    public async Task Terminated_OneAfterTheOther_NoRequestIsLost() => await RestartAllAsync((hosts, stage) => hosts.TerminateAsync(stage));

    [Fact]
    public async Task Killed_OneAfterTheOther_NoRequestIsLost() => await RestartAllAsync((hosts, stage) => hosts.KillAsync(stage));

    private async Task RestartAllAsync(Func<StageHosts, int, Task> end)
    {
        await using var hosts = StageHosts.Started(Stages);
        await using var server = await CoordinatorServer.StartAsync("--workers-dns", hosts.Pattern, "--stages", $"{Stages}", "--kernels", "cpu");
        var free = server.Metrics("pipeline_kv_pages", "free");
        using var enough = new CancellationTokenSource();
        var asking = Enumerable.Range(0, Clients).Select(client => AskAsync(server, client, enough.Token)).ToList();
        for (var stage = 0; stage < Stages; stage++)
        {
            var answered = server.Metrics("vllm:request_success_total");
            await Eventually.HoldsAsync(() => server.Metrics("vllm:request_success_total") > answered + Clients, "requests are answered");
            await end(hosts, stage);
            hosts.Start(stage);
            var back = stage + 1;
            await Eventually.HoldsAsync(() => server.Metrics("pipeline_recoveries_total") >= back, () => $"stage {stage} is back; the server says: {server.Process.Error}");
        }

        await enough.CancelAsync();
        var asked = (await Task.WhenAll(asking)).Sum();

        TestContext.Current.TestOutputHelper!.WriteLine($"{asked} requests, {server.Metrics("pipeline_recoveries_total")} recoveries, {server.Metrics("pipeline_recovery_seconds_total"):F1} s lost");
        await server.WaitUntilIdleAsync();
        Assert.Equal((asked, 0), (server.Metrics("vllm:request_success_total"), server.Metrics("vllm:request_success_total", "\"abort\"")));
        Assert.Equal((free, 0), (server.Metrics("pipeline_kv_pages", "free"), server.Metrics("pipeline_error_responses_total")));
        Assert.Equal(Stages, server.Metrics("pipeline_stage_up"));
    }

    /// <summary>One request after the other until it is enough; the number of them.</summary>
    private async Task<int> AskAsync(CoordinatorServer server, int client, CancellationToken enough)
    {
        var count = 0;
        for (var index = client; !enough.IsCancellationRequested; index = (index + Clients) % alone.Calls.Count)
        {
            Assert.Equal(alone.Answers[index], await alone.Calls[index].AnswerAsync(server.Http, TestContext.Current.CancellationToken));
            count++;
        }

        return count;
    }
}
