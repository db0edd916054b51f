using System.Diagnostics;
using Pipeline.Coordinator.Cli;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>The coordinator as a program, ended from outside in the middle of its work: promptly, and without a trace.</summary>
public sealed class CoordinatorEndTests(WorkerPool pool)
{
    private const int Interrupted = 130;

    // The patience with workers that do not stop is 5 s: nobody may have needed it.
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(4);

    private static readonly string[] LongDecode =
        ["run", "--model", Fixtures.TinyMixtral, "--prompt-ids", "1,5,9", "-n", "4000", "--ignore-eos", "--temperature", "0", "--threads", "1"];

    [Fact]
    public async Task Interrupt_WhileDecoding_ExitsWith130AndStopsItsWorkers() => await EndAsync(Signals.SendInterrupt);

    [Fact]
    public async Task Terminate_WhileDecoding_ExitsWith130AndStopsItsWorkers() => await EndAsync(Signals.SendTerminate);

    /// <summary>The workers get the signal too, and their end is not to be taken for the cause.</summary>
    [Fact]
    public async Task Interrupt_OfTheWholeGroup_ExitsWith130AndStopsItsWorkers() => await EndAsync(Signals.SendInterruptToGroup);

    [Fact]
    public async Task Interrupt_WhileLaunching_ExitsWith130AndStopsItsWorkers()
    {
        await using var coordinator = CoordinatorProcess.Start("", [.. LongDecode, "--stages", "2"]);
        await Eventually.HoldsAsync(() => ProcessTable.ChildrenOf(coordinator.Id).Count == 2, "two workers are being started");
        var workers = ProcessTable.ChildrenOf(coordinator.Id);

        Signals.SendInterrupt(coordinator.Id);

        Assert.Equal(Interrupted, await coordinator.WaitForExitAsync());
        Assert.All(workers, worker => Assert.False(ProcessTable.IsRunning(worker)));
    }

    [Fact]
    public async Task Kill_OfTheCoordinator_ItsWorkersEndByThemselves()
    {
        await using var coordinator = await StartDecodingAsync("--stages", "3");
        var workers = ProcessTable.ChildrenOf(coordinator.Id);
        Assert.Equal(3, workers.Count);

        Signals.SendKill(coordinator.Id);

        await Task.WhenAll(workers.Select(ProcessTable.WaitForEndAsync)).WaitAsync(Prompt, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Kill_OfTheCoordinator_RemoteWorkersServeTheNext()
    {
        var workers = await pool.TakeAsync(2);
        var addresses = string.Join(',', workers.Select(worker => worker.Address));
        await using var coordinator = await StartDecodingAsync("--workers", addresses);

        Signals.SendKill(coordinator.Id);

        var run = await CommandLineRun.Succeeding("run", "--model", Fixtures.TinyMixtral, "--workers", addresses, "--prompt-ids", "1,5,9", "-n", "3", "--ignore-eos", "--json");
        Assert.Equal(3, run.Outputs[0].GetProperty("tokens").GetArrayLength());
        Assert.Equal(workers.Select(worker => worker.Id), run.Json.GetProperty("stage_status").EnumerateArray().Select(stage => stage.GetProperty("process_id").GetInt32()));
    }

    [Fact]
    public async Task StandardInput_WithoutAPrompt_IsContinued()
    {
        await using var coordinator = CoordinatorProcess.Start("JULIET:\n", "run", "--model", Fixtures.TinyMixtral, "--workers", await pool.AddressesAsync(1), "--temperature", "0", "-n", "4");

        Assert.Equal((int)ExitCode.Success, await coordinator.WaitForExitAsync());
        Assert.StartsWith("JULIET:\n", coordinator.Output, StringComparison.Ordinal);
        Assert.True(coordinator.Output.Length > "JULIET:\n\n".Length);
    }

    private static async Task EndAsync(Action<int> signal)
    {
        await using var coordinator = await StartDecodingAsync("--stages", "3");
        var workers = ProcessTable.ChildrenOf(coordinator.Id);
        Assert.Equal(3, workers.Count);
        var watch = Stopwatch.StartNew();

        signal(coordinator.Id);

        Assert.Equal(Interrupted, await coordinator.WaitForExitAsync());
        Assert.True(watch.Elapsed < Prompt, $"took {watch.Elapsed}");
        Assert.Contains("error: interrupted", coordinator.Error, StringComparison.Ordinal);
        Assert.All(workers, worker => Assert.False(ProcessTable.IsRunning(worker)));
    }

    private static async Task<CoordinatorProcess> StartDecodingAsync(params string[] arguments)
    {
        var coordinator = CoordinatorProcess.Start("", [.. LongDecode, .. arguments]);
        try
        {
            await coordinator.WaitForErrorAsync("KV cache");
            return coordinator;
        }
        catch
        {
            await coordinator.DisposeAsync();
            throw;
        }
    }
}
