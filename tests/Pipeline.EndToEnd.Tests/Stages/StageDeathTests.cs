using System.Diagnostics;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Stages;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Stages;

/// <summary>Workers that die or freeze, in every stage and phase: a failure that names the stage, at once, and the others live on.</summary>
public sealed class StageDeathTests(WorkerPool pool)
{
    private const int Stages = 4;

    private static readonly string[] LongDecode = ["--prompt-ids", "1,5,9", "-n", "4000", "--ignore-eos", "--temperature", "0"];

    private static readonly string[] LongPrefill =
        ["--prompt-ids", string.Join(',', Enumerable.Range(0, 4000).Select(i => i % 2000)), "-n", "0", "--max-num-batched-tokens", "8"];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Run_WorkerKilledWhileDecoding_FailsAndNamesTheStage(int stage)
    {
        var workers = await pool.TakeAsync(Stages);

        var (run, duration) = await InterruptDecodeAsync(workers, () => Signals.SendKill(workers[stage].Id));

        AssertLost(run, stage);
        Assert.True(duration < Eventually.Soon, $"took {duration}");
        await AssertReplacedAsync(workers, stage);
    }

    [Fact]
    public async Task Run_WorkerTerminatedWhileDecoding_FailsAndNamesTheStage()
    {
        var workers = await pool.TakeAsync(Stages);

        var (run, duration) = await InterruptDecodeAsync(workers, () => Signals.SendTerminate(workers[2].Id));

        Assert.Equal(ExitCode.StageFailed, run.ExitCode);
        // The lease and the data stream end at the same time, and either may be heard first.
        Assert.Matches("error: stage 2: .*(ended the lease \\(the worker is shutting down\\)|the stage is stopping)", run.Error);
        Assert.True(duration < Eventually.Soon, $"took {duration}");
        await AssertReplacedAsync(workers, 2);
    }

    [Fact]
    public async Task Run_WorkerFrozenWhileDecoding_IsNamedOnceItMissesItsPings()
    {
        var workers = await pool.TakeAsync(Stages);

        var (run, duration) = await InterruptDecodeAsync(workers, () => Signals.SendStop(workers[1].Id));

        Signals.SendKill(workers[1].Id);
        AssertLost(run, 1);
        Assert.True(duration < 3 * Eventually.Soon, $"took {duration}");
        await AssertReplacedAsync(workers, 1);
    }

    [Fact]
    public async Task Run_WorkerKilledDuringPrefill_FailsAndNamesTheStage()
    {
        var workers = await pool.TakeAsync(Stages);

        var (run, duration) = await InterruptPrefillAsync(workers, () => Signals.SendKill(workers[2].Id));

        AssertLost(run, 2);
        Assert.True(duration < Eventually.Soon, $"took {duration}");
        await AssertReplacedAsync(workers, 2);
    }

    [Fact]
    public async Task Load_WorkerKilled_FailsAndNamesTheStage()
    {
        var workers = await pool.TakeAsync(2);
        var watch = new LaunchWatch();
        var settings = TestPipelines.SettingsFor(TestModels.Slow, 2) with { Workers = [.. workers.Select(worker => worker.Address)] };
        var launching = TestPipelines.StartAsync(settings, watch);
        await watch.LoadingHasBegun.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);

        Signals.SendKill(workers[1].Id);

        var failure = await Assert.ThrowsAsync<StageException>(() => launching.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken));
        Assert.Equal((StageError.StageLost, 1), (failure.Error, failure.StageIndex));
        await AssertReplacedAsync(workers, 1);
    }

    [Fact]
    public async Task Idle_WorkerKilled_IsKnownBeforeTheNextRequest()
    {
        var workers = await pool.TakeAsync(2);
        await using (var pipeline = await TestPipelines.StartAsync(TestPipelines.SettingsFor(Fixtures.TinyMixtral, 2), workers))
        {
            await using var loop = TestPipelines.LoopOf(pipeline);
            await GenerateAsync(loop, tokens: 2);

            Signals.SendKill(workers[1].Id);

            await Eventually.HoldsAsync(() => FailureOf(loop) is not null, "the idle loop refuses requests");
            Assert.Equal((StageError.StageLost, 1), (FailureOf(loop)!.Error, FailureOf(loop)!.StageIndex));
        }

        await AssertReplacedAsync(workers, 1);
    }

    [Fact]
    public async Task Launched_WorkerFrozen_AllWorkersAreGoneAfterwards()
    {
        var leftovers = new LeftoverCheck();
        var pipeline = await TestPipelines.StartAsync(TestPipelines.SettingsFor(Fixtures.TinyMixtral, 3));
        var ids = pipeline.Workers.Select(worker => worker.Id).ToList();
        Assert.Equal(ids.Order(), leftovers.New);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var generating = GenerateAsync(loop, tokens: 200);
        await Eventually.HoldsAsync(() => loop.CompletedSteps > 2, "decoding has begun");

        Signals.SendStop(ids[1]);

        var failure = await Assert.ThrowsAsync<StageException>(() => generating.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken));
        Assert.Equal((StageError.StageLost, 1), (failure.Error, failure.StageIndex));
        var watch = Stopwatch.StartNew();
        await pipeline.DisposeAsync();
        Assert.True(watch.Elapsed < Eventually.Soon, $"the frozen worker held up the end for {watch.Elapsed}");
        leftovers.AssertNothingLeft();
    }

    private static Task<(CommandLineRun Run, TimeSpan Duration)> InterruptDecodeAsync(IReadOnlyList<WorkerProcess> workers, Action interfere)
    {
        var output = new WatchedWriter(text => text.Any(char.IsDigit));
        var error = new WatchedWriter(_ => false);
        return InterfereAsync(workers, LongDecode, output, error, output.Seen, interfere);
    }

    private static Task<(CommandLineRun Run, TimeSpan Duration)> InterruptPrefillAsync(IReadOnlyList<WorkerProcess> workers, Action interfere)
    {
        var output = new WatchedWriter(_ => false);
        var error = new WatchedWriter(text => text.Contains("KV cache", StringComparison.Ordinal));
        return InterfereAsync(workers, LongPrefill, output, error, error.Seen, interfere);
    }

    /// <summary>A command on the workers, and something that happens to them at a moment.</summary>
    private static async Task<(CommandLineRun Run, TimeSpan Duration)> InterfereAsync(
        IReadOnlyList<WorkerProcess> workers, string[] line, TextWriter output, TextWriter error, Task moment, Action interfere)
    {
        var addresses = string.Join(',', workers.Select(worker => worker.Address));
        string[] arguments = ["run", "--model", Fixtures.TinyMixtral, "--workers", addresses, "--threads", "1", .. line];
        var running = new CoordinatorApp(new Terminal(output, error) { ShowsStackTraces = true }).RunAsync(arguments, TestContext.Current.CancellationToken);
        await Task.WhenAny(moment, running).WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        Assert.True(moment.IsCompleted && !running.IsCompleted, $"the run ended early: {error}");
        var watch = Stopwatch.StartNew();
        interfere();
        var exitCode = await running.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken);
        return (new CommandLineRun(exitCode, output.ToString()!, error.ToString()!), watch.Elapsed);
    }

    private static void AssertLost(CommandLineRun run, int stage)
    {
        Assert.True(run.ExitCode == ExitCode.StageFailed, $"{run.ExitCode}: {run.Error}");
        var error = Assert.Single(run.Error.Split('\n'), line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.StartsWith($"error: stage {stage}: ", error, StringComparison.Ordinal);
        Assert.EndsWith("(StageLost)", error, StringComparison.Ordinal);
    }

    /// <summary>The other workers are alive and free; with one in place of the dead the same pipeline works again.</summary>
    private async Task AssertReplacedAsync(IReadOnlyList<WorkerProcess> workers, int dead)
    {
        await ProcessTable.WaitForEndAsync(workers[dead].Id);
        Assert.All(workers.Where((_, stage) => stage != dead), worker => Assert.True(ProcessTable.IsRunning(worker.Id)));
        var addresses = await pool.AddressesAsync(workers.Count);

        var run = await CommandLineRun.Succeeding(
            "run", "--model", Fixtures.TinyMixtral, "--workers", addresses, "--temperature", "0", "-n", "3", "--ignore-eos", "--json", "--prompt-ids", "1,5,9");

        Assert.Equal(3, run.Outputs[0].GetProperty("tokens").GetArrayLength());
    }

    private static async Task GenerateAsync(PipelineLoop loop, int tokens)
    {
        await foreach (var _ in loop.Submit(new SequenceRequest { Prompt = [1, 2, 3], MaxTokens = tokens, IgnoreEos = true }).Updates.ReadAllAsync(TestContext.Current.CancellationToken))
        {
        }
    }

    private static StageException? FailureOf(PipelineLoop loop)
    {
        try
        {
            loop.Submit(new SequenceRequest { Prompt = [1], MaxTokens = -1 });
            return null;
        }
        catch (StageException exception)
        {
            return exception;
        }
        catch (RequestRejectedException)
        {
            return null;
        }
    }
}
