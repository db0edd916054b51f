using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tests.Serving;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Execution;

/// <summary>Sequences outlive the pipeline that computes them.</summary>
public class PipelineLoopRecoveryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly KvCacheSpec Cache = new(4, [new KvCacheGroup(null, 8, 40), new KvCacheGroup(6, 5, 40)]);

    private readonly ManualClock _clock = new();

    /// <summary>Whenever it breaks: in the prompts, between them, in the answers.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(11)]
    public async Task Break_AfterSomeSteps_TokensAreThoseOfAnUndisturbedRun(int steps)
    {
        var expected = await RunAsync(new BreakingPipeline(Cache, null));

        var mended = new Mended([null]);
        var actual = await RunAsync(new BreakingPipeline(Cache, steps), mended);

        Assert.Equal(expected, actual);
        Assert.Equal(1, mended.Count);
        Assert.All(mended.Pipelines[0].Microbatches, microbatch => Assert.Equal(2, microbatch.Epoch.Value));
    }

    [Fact]
    public async Task Break_AgainAndAgain_TokensAreThoseOfAnUndisturbedRun()
    {
        var expected = await RunAsync(new BreakingPipeline(Cache, null));

        var mended = new Mended([4, 5, 0, 6, null]);
        var actual = await RunAsync(new BreakingPipeline(Cache, 3), mended);

        Assert.Equal(expected, actual);
        Assert.Equal(5, mended.Count);
    }

    [Fact]
    public async Task Outage_WithinThePatience_NewRequestsWaitAndAreServed()
    {
        var mended = new Mended([null]) { IsHeld = true };
        await using var loop = LoopOf(new BreakingPipeline(Cache, 2), mended);
        var running = loop.Submit(Request(0));
        await Eventually.HoldsAsync(() => loop.Outage is not null);

        _clock.Advance(Patience - TimeSpan.FromTicks(1));
        var waiting = loop.Submit(Request(1));
        Assert.Equal((1, "the wire was cut"), (loop.Outage!.Failure.StageIndex, loop.Outage.Failure.Message));
        mended.Release();

        Assert.Equal(12, (await TokensAsync(running)).Count);
        Assert.Equal(12, (await TokensAsync(waiting)).Count);
        Assert.Null(loop.Outage);
        Assert.Equal(new RecoveryCounters(1, Patience - TimeSpan.FromTicks(1)), loop.Recoveries);
    }

    [Fact]
    public async Task Outage_LongerThanThePatience_EverybodyIsToldAndServingResumes()
    {
        var mended = new Mended([null]) { IsHeld = true, Trouble = new StageException(StageError.Unreachable, "nobody is there", 3) };
        await using var loop = LoopOf(new BreakingPipeline(Cache, 2), mended);
        var running = loop.Submit(Request(0));
        await Eventually.HoldsAsync(() => loop.Outage is not null);
        var waiting = loop.Submit(Request(1));

        await _clock.AdvanceAsync(Patience);

        foreach (var feed in new[] { running, waiting })
        {
            AssertRefused(await Assert.ThrowsAsync<StageException>(() => TokensAsync(feed)));
        }

        AssertRefused(Assert.Throws<StageException>(() => loop.Submit(Request(2))));
        Assert.Null(loop.Failure);
        mended.Release();
        await Eventually.HoldsAsync(() => loop.Outage is null);
        Assert.Equal(12, (await TokensAsync(loop.Submit(Request(3)))).Count);
        Assert.Equal((0, 0, 80), (loop.Counters.Running, loop.Counters.Waiting, loop.Counters.FreeBlocks));

        static void AssertRefused(StageException refusal) =>
            Assert.Equal((StageError.Unreachable, 3, "nobody is there; not back after 20 s"), (refusal.Error, refusal.StageIndex, refusal.Message));
    }

    [Fact]
    public async Task Outage_Cancel_LeavesNothing()
    {
        var mended = new Mended([null]) { IsHeld = true };
        await using var loop = LoopOf(new BreakingPipeline(Cache, 2), mended);
        var feed = loop.Submit(Request(0));
        await Eventually.HoldsAsync(() => loop.Outage is not null);

        loop.Cancel(feed.Id);
        mended.Release();
        await loop.CompleteAsync();

        Assert.Equal((0, 0, 0, 80), (loop.Counters.Running, loop.Counters.Waiting, loop.Counters.InFlight, loop.Counters.FreeBlocks));
        Assert.Empty(mended.Pipelines[0].Microbatches);
    }

    /// <summary>A stage that lives and fails will fail again: only who was in the step is told, the others go on.</summary>
    [Fact]
    public async Task StepThatFails_OnAStageThatLives_FailsItsSequencesOnly()
    {
        var mended = new Mended([null]);
        await using var loop = LoopOf(new BreakingPipeline(Cache, 0, StageError.ComputeFailed), mended, seats: 1);
        var feeds = loop.SubmitAll([Request(0), Request(1)]);

        var failure = await Assert.ThrowsAsync<StageException>(() => TokensAsync(feeds[0]));

        Assert.Equal(StageError.ComputeFailed, failure.Error);
        Assert.Equal(12, (await TokensAsync(feeds[1])).Count);
    }

    /// <summary>Others were in the pipe too, in steps of their own.</summary>
    [Fact]
    public async Task StepThatFails_WithOthersBehindIt_FailsNobodyElse()
    {
        var mended = new Mended([null]);
        var breaking = new BreakingPipeline(Cache, 0, StageError.ComputeFailed, namesStep: true);
        await using var loop = LoopOf(breaking, mended, seats: 2);
        var feeds = loop.SubmitAll([Request(0), Request(1)]);

        await Assert.ThrowsAsync<StageException>(() => TokensAsync(feeds[0]));

        Assert.Equal(12, (await TokensAsync(feeds[1])).Count);
        Assert.Equal([feeds[0].Id, feeds[1].Id], breaking.Microbatches.Select(microbatch => Assert.Single(microbatch.Slices).Sequence));
    }

    /// <summary>Four times in the pipe when it broke, and never a token in between.</summary>
    [Fact]
    public async Task RequestThatBreaksEveryStage_IsGivenUp()
    {
        var mended = new Mended([0, 0, 0, null]);
        await using var loop = LoopOf(new BreakingPipeline(Cache, 0), mended, seats: 1);
        var feeds = loop.SubmitAll([Request(0), Request(1)]);
        var failing = Assert.ThrowsAsync<StageException>(() => TokensAsync(feeds[0]));

        await _clock.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        await _clock.AdvanceAsync(TimeSpan.FromMilliseconds(200));

        await failing;

        Assert.Equal(4, mended.Count);
        Assert.Equal(12, (await TokensAsync(feeds[1])).Count);
    }

    /// <summary>Epochs open and end again without a step. To those who wait that is one outage, whose time goes on.</summary>
    [Fact]
    public async Task EpochsThatNeverGetToAStep_RequestsAreRefusedWhenTheirPatienceEnds()
    {
        var mended = new Mended([.. Enumerable.Repeat<int?>(0, 20)]);
        await using var loop = LoopOf(new BreakingPipeline(Cache, 0), mended, seats: 1);
        var waiting = TokensAsync(loop.SubmitAll([.. Enumerable.Range(0, 6).Select(_ => Request(0))])[5]);

        for (var rest = 100; !waiting.IsCompleted && rest <= 12_800; rest *= 2)
        {
            await _clock.AdvanceAsync(TimeSpan.FromMilliseconds(Math.Min(rest, 10_000)));
        }

        var refusal = await Assert.ThrowsAsync<StageException>(() => waiting.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken));
        Assert.Equal("the wire was cut; not back after 20 s", refusal.Message);
        Assert.InRange(TimeSpan.FromTicks(_clock.GetTimestamp()), Patience, Patience + TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task MendingThatFails_IsTheEnd()
    {
        var mended = new Mended([]) { Final = new StageException(StageError.StageLost, "the worker dies again and again", 2) };
        await using var loop = LoopOf(new BreakingPipeline(Cache, 1), mended);

        var failure = await Assert.ThrowsAsync<StageException>(() => TokensAsync(loop.Submit(Request(0))));

        Assert.Equal(("the worker dies again and again", 2), (failure.Message, failure.StageIndex));
        await Eventually.HoldsAsync(() => loop.Failure is not null);
        Assert.Throws<StageException>(() => loop.Submit(Request(1)));
    }

    [Fact]
    public async Task Dispose_DuringAnOutage_EndsEverybody()
    {
        var mended = new Mended([null]) { IsHeld = true };
        var loop = LoopOf(new BreakingPipeline(Cache, 1), mended);
        var feed = loop.Submit(Request(0));
        await Eventually.HoldsAsync(() => loop.Outage is not null);

        await loop.DisposeAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => TokensAsync(feed));
    }

    private async Task<List<string>> RunAsync(BreakingPipeline pipeline, Mended? mended = null)
    {
        await using var loop = LoopOf(pipeline, mended ?? new Mended([]));
        var feeds = loop.SubmitAll([.. Enumerable.Range(0, 5).Select(Request)]);
        var answers = await Task.WhenAll(feeds.Select(TokensAsync));
        await loop.CompleteAsync();
        Assert.Equal((0, 0, 0, 80), (loop.Counters.Running, loop.Counters.Waiting, loop.Counters.InFlight, loop.Counters.FreeBlocks));
        return [.. answers.Select(tokens => string.Join(' ', tokens))];
    }

    private PipelineLoop LoopOf(BreakingPipeline pipeline, Mended mended, int seats = 3) => new(
        new Scheduler(
            new SchedulerOptions { Epoch = new PlanEpoch(1), MaxSequences = seats, MaxBatchedTokens = 8, Microbatches = 2, MaxModelLength = 32, PrefixCaching = true }, Cache),
        pipeline,
        new LoopRecovery(mended.MendAsync, () => mended.Trouble, Patience, _clock));

    private static SequenceRequest Request(int number) => new() { Prompt = [.. Enumerable.Range(0, 3 + (4 * number)).Select(index => index % 5)], MaxTokens = 12 };

    private static async Task<List<int>> TokensAsync(SequenceFeed feed)
    {
        var tokens = new List<int>();
        await foreach (var update in feed.Updates.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            tokens.AddRange(update.Token is { } token ? [token.Token] : []);
        }

        return tokens;
    }

    /// <summary>Gives a fresh pipeline each time, which breaks after its own number of steps.</summary>
    private sealed class Mended(int?[] steps)
    {
        private readonly TaskCompletionSource _release = new();

        public List<BreakingPipeline> Pipelines { get; } = [];

        public int Count { get; private set; }

        public bool IsHeld { get; init; }

        public StageException? Trouble { get; init; }

        public StageException? Final { get; init; }

        public void Release() => _release.SetResult();

        public async Task<MendedPipeline> MendAsync(StageException failure, CancellationToken cancellationToken)
        {
            Count++;
            if (IsHeld)
            {
                await _release.Task.WaitAsync(cancellationToken);
            }

            if (Final is not null)
            {
                throw Final;
            }

            Pipelines.Add(new BreakingPipeline(Cache, steps[Count - 1]));
            return new MendedPipeline(Pipelines[^1], new PlanEpoch(1 + Count));
        }
    }
}
