using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class LoadRunTests
{
    private static readonly LoadSettings AtOnce = new(double.PositiveInfinity, 1, null, 0, 5);
    private static readonly LoadPrompt[] Prompts = [.. Enumerable.Range(1, 20).Select(length => new LoadPrompt("word", null, length))];

    [Fact]
    public async Task Run_InfiniteRate_MakesAllAtOnceAndKeepsTheirOrder()
    {
        var all = new TaskCompletionSource();
        var made = 0;
        var outcomes = await Run(AtOnce, async (prompt, _) =>
        {
            if (Interlocked.Increment(ref made) == Prompts.Length)
            {
                all.SetResult();
            }

            await all.Task;
            return Outcome(prompt);
        });
        Assert.Equal(Prompts.Select(prompt => prompt.OutputTokens), outcomes.Select(outcome => outcome.OutputTokens));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Run_MaxConcurrency_IsReachedAndNeverPassed(int limit)
    {
        var (running, most) = (0, 0);
        var gate = new Lock();
        var opened = new TaskCompletionSource();
        var run = Run(AtOnce with { MaxConcurrency = limit }, async (prompt, _) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++running);
            }

            await opened.Task;
            lock (gate)
            {
                running--;
            }

            return Outcome(prompt);
        });

        // All that may be made were made before the run gave its task.
        Assert.Equal(limit, running);
        opened.SetResult();
        var outcomes = await run;
        Assert.Equal(limit, most);
        Assert.Equal(Prompts.Length, outcomes.Count);
    }

    [Fact]
    public async Task Run_Rate_MakesRequestsWhenTheProcessSays()
    {
        var clock = new ScriptedClock();
        var runClock = new LoadClock(clock);
        var settings = AtOnce with { RequestRate = 2, Burstiness = 0.5 };
        var times = new List<double>();
        await new LoadRun(settings, Measure, runClock, new LoadProgress()).RunAsync(Prompts, TestContext.Current.CancellationToken);
        var expected = new ArrivalProcess(2, 0.5, settings.Seed).Milliseconds(Prompts.Length);
        Assert.All(times.Zip(expected), pair => Assert.InRange(pair.First - pair.Second, 0, 1));
        Assert.Equal(Prompts.Length, times.Count);

        Task<RequestOutcome> Measure(LoadPrompt prompt, CancellationToken cancellationToken)
        {
            times.Add(runClock.Now);
            return Task.FromResult(Outcome(prompt));
        }
    }

    [Fact]
    public async Task Run_Cancelled_GivesWhatThereIs()
    {
        using var interruption = new CancellationTokenSource();
        var progress = new LoadProgress();
        var run = new LoadRun(AtOnce with { MaxConcurrency = 2 }, Measure, new LoadClock(new ScriptedClock()), progress);
        var outcomes = await run.RunAsync(Prompts, interruption.Token);
        Assert.Equal([null, null, FailureKind.Interrupted, FailureKind.Interrupted], outcomes.Select(outcome => outcome.Failure?.Kind));
        Assert.Equal((4, 0), (progress.Finished, progress.Running));
        Assert.Equal(3, progress.Tokens);

        async Task<RequestOutcome> Measure(LoadPrompt prompt, CancellationToken cancellationToken)
        {
            if (prompt.OutputTokens <= 2)
            {
                return Outcome(prompt);
            }

            if (prompt.OutputTokens == 4)
            {
                await interruption.CancelAsync();
            }

            await Task.WhenAny(Task.Delay(Timeout.Infinite, cancellationToken));
            return Outcome(prompt) with { OutputTokens = 0, Failure = new RequestFailure(FailureKind.Interrupted, null, "interrupted") };
        }
    }

    private static Task<IReadOnlyList<RequestOutcome>> Run(LoadSettings settings, Func<LoadPrompt, CancellationToken, Task<RequestOutcome>> measure) =>
        new LoadRun(settings, measure, new LoadClock(new ScriptedClock()), new LoadProgress()).RunAsync(Prompts, TestContext.Current.CancellationToken);

    private static RequestOutcome Outcome(LoadPrompt prompt) => new(0, [1], 2, 1, prompt.OutputTokens, true, null);
}
