using System.Globalization;
using System.Net;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.EndToEnd.Tests.Serving;
using Pipeline.Shared.Stages;
using Pipeline.TestKit;
using Pipeline.TestKit.Time;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>Workers of this host that are launched again: as often as it may help, and no more.</summary>
public sealed class BrokenWorkerTests
{
    private const int MostLaunches = 5;

    [Fact]
    public async Task WorkerThatDiesAtItsStart_IsGivenUpAfterAFewLaunches()
    {
        using var launches = new TemporaryFile("");
        using var script = new TemporaryFile($"""
            #!/bin/sh
            echo launch >> '{launches.Path}'
            [ "$(wc -l < '{launches.Path}')" -le 2 ] || exit 7
            exec '{WorkerProgram.Locate()}' "$@"
            """);
        await ProgramRun.Of("chmod", "u+x", script.Path);
        await using var server = await StartWithAsync(script.Path);
        var workers = new LaunchedStages(server);

        Signals.SendKill(workers.IdOf(1));

        await Eventually.HoldsAsync(() => File.ReadLines(launches.Path).Count() == 2 + MostLaunches, () => $"all launches, which are {File.ReadLines(launches.Path).Count()}; the server says: {server.Process.Error}");
        await Eventually.HoldsAsync(() => MessageOf(server).Contains("code 7 at its start", StringComparison.Ordinal), () => $"the end of it; the server says: {MessageOf(server)}");
        Assert.Contains("stage 1: the worker exited with code 7 at its start", MessageOf(server), StringComparison.Ordinal);
        Assert.DoesNotContain("brought back", MessageOf(server), StringComparison.Ordinal);
        using var alive = await server.Http.GetAsync("/health/live", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.Equal(2 + MostLaunches, File.ReadLines(launches.Path).Count());
        Signals.SendTerminate(server.Process.Id);
        Assert.Equal(0, await server.Process.WaitForExitAsync());
    }

    /// <summary>A minute, at fifty times the pace.</summary>
    [Fact]
    public async Task WorkerThatNeverListens_IsEndedAndNamed()
    {
        using var script = new TemporaryFile("#!/bin/sh\necho still thinking >&2\nexec sleep 600\n");
        await ProgramRun.Of("chmod", "u+x", script.Path);

        var failure = await WithWorkerAsync(script.Path, () => Assert.ThrowsAsync<StageException>(
            () => WorkerProcess.StartAsync(1, "cpu", WorkerEnvironment.ForLocal("cpu"), new HurriedTime(), TestContext.Current.CancellationToken)));

        Assert.Equal((StageError.Timeout, 1), (failure.Error, failure.StageIndex));
        Assert.EndsWith("was started 60 s ago and does not listen yet: still thinking", failure.Message, StringComparison.Ordinal);
        var id = int.Parse(failure.Message.Split(' ')[2], CultureInfo.InvariantCulture);
        Assert.False(Directory.Exists($"/proc/{id}"), $"process {id} is left");
    }

    [Fact]
    public async Task Run_WithARecoveryTimeout_OutlivesItsWorkers()
    {
        string[] line = ["run", "--model", Fixtures.TinyMixtral, "--stages", "2", "--prompt", "ROMEO:\n", "-n", "3000", "--ignore-eos", "--temperature", "0", "--threads", "1"];
        var undisturbed = await CommandLineRun.Succeeding([.. line]);
        await using var run = CoordinatorProcess.Start("", [.. line, "--recovery-timeout", "60"]);
        await run.WaitForErrorAsync("KV cache");
        await Eventually.HoldsAsync(() => run.Output.Length > 100, "text");

        Signals.SendKill(ProcessTable.ChildrenOf(run.Id).Order().ElementAt(1));

        Assert.True(await run.WaitForExitAsync() == 0, run.Error);
        Assert.Equal(undisturbed.Output.TrimEnd(), run.Output.TrimEnd());
        Assert.Contains("all stages are there again", run.Error, StringComparison.Ordinal);
    }

    /// <summary>The program is inherited by way of the environment, which is this process's own.</summary>
    private static Task<CoordinatorServer> StartWithAsync(string worker) => WithWorkerAsync(worker, () => CoordinatorServer.StartAsync("--stages", "2"));

    private static async Task<T> WithWorkerAsync<T>(string worker, Func<Task<T>> start)
    {
        Environment.SetEnvironmentVariable(WorkerProgram.Variable, worker);
        try
        {
            return await start();
        }
        finally
        {
            Environment.SetEnvironmentVariable(WorkerProgram.Variable, null);
        }
    }

    private static string MessageOf(CoordinatorServer server)
    {
        using var answer = server.Http.GetAsync("/health", TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
    }
}
