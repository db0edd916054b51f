using Pipeline.Coordinator.Cli;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.EndToEnd.Tests.Servers;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>What <c>run --workers</c> says about addresses where no worker answers that could be used.</summary>
public sealed class UnreachableWorkerTests(WorkerPool pool)
{
    [Fact]
    public async Task Run_NothingListens_GivesUpAfterThePatience()
    {
        var run = await RunAsync("127.0.0.1:1");

        AssertFailed(run, "stage 0: cannot reach a stage worker at 127.0.0.1:1: Connection refused (gave up after 1 s) (Unreachable)");
        Assert.Contains("Connection refused; trying again", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_UnknownHost_NamesIt()
    {
        var run = await RunAsync("no-such-host.invalid:50051");

        AssertFailed(run, "stage 0: cannot reach a stage worker at no-such-host.invalid:50051: ");
    }

    [Fact]
    public async Task Run_SecondWorkerUnreachable_NamesItsStageAndFreesTheFirst()
    {
        var workers = await pool.TakeAsync(1);

        AssertFailed(await RunAsync($"{workers[0].Address},127.0.0.1:1"), "stage 1: cannot reach a stage worker at 127.0.0.1:1");

        Assert.Equal(ExitCode.Success, (await RunAsync(workers[0].Address)).ExitCode);
    }

    [Fact]
    public async Task Run_NonsenseServer_SaysThatItIsNoWorker()
    {
        await using var server = new TcpServer("220 mail.example ready\r\n");

        AssertFailed(await RunAsync(server.Address), $"stage 0: cannot reach a stage worker at {server.Address}: what listens there does not speak HTTP/2");
    }

    [Fact]
    public async Task Run_WebSite_SaysThatItIsNoWorker()
    {
        await using var server = await LocalServer.StartWebSiteAsync();

        AssertFailed(await RunAsync(server.Address), $"stage 0: cannot reach a stage worker at {server.Address}: what listens there does not speak HTTP/2");
    }

    [Fact]
    public async Task Run_SilentServer_GivesUpAfterThePatience()
    {
        await using var server = new TcpServer(greeting: null);

        AssertFailed(await RunAsync(server.Address), $"stage 0: {server.Address} does not answer (gave up after 1 s) (Timeout)");
    }

    [Fact]
    public async Task Run_WorkerOfAnotherVersion_NamesBothVersionsAtOnce()
    {
        await using var server = await LocalServer.StartWorkerAsync(protocolVersion: 99);

        var run = await RunAsync(server.Address);

        AssertFailed(run, $"stage 0: {server.Address} speaks protocol version 99, this coordinator speaks {ProtocolVersion.Current}; run the same release on both (ProtocolMismatch)");
        Assert.DoesNotContain("trying again", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WorkerInUse_NamesItsCoordinatorAndLeavesItAlone()
    {
        var worker = (await pool.TakeAsync(1))[0];
        var failures = 0;
        await using (var other = new StageConnection(worker.Address, 0, null))
        {
            await other.AttachAsync("the-other-one", 1, new StageEventHandlers(_ => { }, _ => { }, _ => failures++), TestContext.Current.CancellationToken);

            AssertFailed(await RunAsync(worker.Address), "stage 0: this worker already serves coordinator the-other-one as stage 0 (gave up after 1 s) (AlreadyInUse)");
        }

        Assert.Equal(0, failures);
        Assert.Equal(ExitCode.Success, (await RunAsync(worker.Address)).ExitCode);
    }

    private static Task<CommandLineRun> RunAsync(string workers) =>
        CommandLineRun.Of("run", "--insecure", "--model", Fixtures.TinyMixtral, "--prompt-ids", "1,5,9", "-n", "2", "--workers", workers, "--connect-timeout", "1");

    private static void AssertFailed(CommandLineRun run, string message)
    {
        Assert.Equal(ExitCode.StageFailed, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains($"error: {message}", run.Error, StringComparison.Ordinal);
    }
}
