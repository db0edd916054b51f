using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Who gets in, who is refused, and what is left behind.</summary>
public class SchedulerAdmissionTests
{
    public static TheoryData<int, int?, RejectionReason, long, long> Unservable => new()
    {
        { 0, 1, RejectionReason.EmptyPrompt, 0, 1 },
        { 3, -1, RejectionReason.NegativeMaxTokens, -1, 0 },
        { 30, 3, RejectionReason.TooLong, 33, 32 },
        { 32, null, RejectionReason.TooLong, 33, 32 },
        { 3, int.MaxValue, RejectionReason.TooLong, 3L + int.MaxValue, 32 },
        { 20, 6, RejectionReason.CacheTooSmall, 7, 6 },
        { 4, null, RejectionReason.CacheTooSmall, 8, 6 },
    };

    [Theory]
    [MemberData(nameof(Unservable))]
    public void Add_RequestThatCanNeverBeServed_NamesBothNumbers(int prompt, int? maxTokens, RejectionReason reason, long requested, long limit)
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options, new KvCacheSpec(4, [new KvCacheGroup(null, 8, 6)]));
        var exception = Assert.Throws<RequestRejectedException>(() => scheduler.Add(new SequenceRequest { Prompt = new int[prompt], MaxTokens = maxTokens }));
        Assert.Equal((reason, requested, limit), (exception.Reason, exception.Requested, exception.Limit));
        Assert.Contains($"{requested}", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"{limit}", exception.Message, StringComparison.Ordinal);
        Assert.False(scheduler.HasWork);
    }

    /// <summary>20 + 5 tokens fill 24 positions, for the last token is never fed back: exactly the 6 blocks there are.</summary>
    [Fact]
    public void Add_RequestThatFillsTheWholeCache_IsServedAlone()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options, new KvCacheSpec(4, [new KvCacheGroup(null, 8, 6)]));
        scheduler.Add(new SequenceRequest { Prompt = new int[20], MaxTokens = 5 });
        scheduler.Finish((_, _) => 7);
        Assert.Equal((6, 0L), (scheduler.Pool.Peak(0), scheduler.Counters.Preemptions));
    }

    [Theory]
    [InlineData(5, 2, true)] // 8 rows hold window 5 and a chunk of 4
    [InlineData(6, 2, false)]
    [InlineData(null, 7, false)]
    [InlineData(null, 8, true)]
    public void Scheduler_RingTooShortForWindowAndChunk_IsRefusedWithTheNumbers(int? window, int ringBlocks, bool isEnough)
    {
        var options = SchedulerTestBed.Options with { MaxBatchedTokens = 4 };
        var cache = new KvCacheSpec(4, [new KvCacheGroup(window, ringBlocks, 20)]);
        var exception = Record.Exception(() => new Scheduler(options, cache));
        Assert.Equal(isEnough, exception is null);
        Assert.True(isEnough || exception is ArgumentException && exception.Message.Contains($"holds {ringBlocks * 4} positions", StringComparison.Ordinal));
    }

    /// <summary>A ring that leaves a shared block loses all of it at its first position: window 5, a chunk of 4 and 3 rows more are 11.</summary>
    [Theory]
    [InlineData(5, 2, 32, false)]
    [InlineData(5, 3, 32, true)]
    [InlineData(6, 3, 32, true)]
    [InlineData(7, 3, 32, false)]
    [InlineData(7, 3, 12, true)] // nobody's ring comes round
    public void Scheduler_RingTooShortToShareBlocks_IsRefused(int window, int ringBlocks, int length, bool isEnough)
    {
        var options = SchedulerTestBed.Options with { MaxBatchedTokens = 4, MaxModelLength = length, PrefixCaching = true };
        var exception = Record.Exception(() => new Scheduler(options, new KvCacheSpec(4, [new KvCacheGroup(window, ringBlocks, 20)])));
        Assert.Equal(isEnough, exception is null);
        Assert.True(isEnough || exception is ArgumentException && exception.Message.Contains("with prefix caching", StringComparison.Ordinal));
    }

    /// <summary>One seat and one place to wait. Whoever is refused leaves no trace.</summary>
    [Fact]
    public void Add_QueueIsFull_NamesItsLengthAndItsLimit()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options with { MaxSequences = 1, MaxWaiting = 1 }, SchedulerTestBed.Cache);
        var request = new SequenceRequest { Prompt = [1], MaxTokens = 1 };
        scheduler.Add(request);
        scheduler.Add(request);
        var exception = Assert.Throws<RequestRejectedException>(() => scheduler.Add(request));
        Assert.Equal((RejectionReason.QueueFull, 2L, 1L), (exception.Reason, exception.Requested, exception.Limit));
        Assert.Equal(2, scheduler.Counters.Waiting);
        scheduler.Complete(scheduler.Next(), _ => 7);
        Assert.Equal(4, scheduler.Add(request).Value + 1);
    }

    /// <summary>A stream of urgent requests that never ends: among equals everybody gets a turn, and nobody is computed again for ever.</summary>
    [Fact]
    public void TrySchedule_RequestsWithoutEnd_ServesEqualsInTheirOrder()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options with { PrefixCaching = true }, new KvCacheSpec(4, [new KvCacheGroup(null, 8, 9)]));
        var finished = new List<long>();
        for (var step = 0; step < 600; step++)
        {
            if (step % 2 == 0 && scheduler.Counters.Waiting < 20)
            {
                scheduler.Add(new SequenceRequest { Prompt = [step % 5, 1, 2, 3, 4], MaxTokens = 12, Priority = 0 });
            }

            if (scheduler.TrySchedule() is { } microbatch)
            {
                finished.AddRange(scheduler.Complete(microbatch, _ => 7).Where(update => update.FinishReason is not null).Select(update => update.Sequence.Value));
            }
        }

        Assert.InRange(scheduler.Counters.Preemptions, 10, long.MaxValue);
        Assert.InRange(finished.Count, 60, int.MaxValue);
        Assert.Equal(Enumerable.Range(1, finished.Count).Select(id => (long)id), finished);
    }

    [Fact]
    public void TrySchedule_HeadDoesNotFit_LetsNobodyOvertake()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options with { MaxBatchedTokens = 32 }, new KvCacheSpec(4, [new KvCacheGroup(null, 8, 8)]));
        scheduler.Add(new SequenceRequest { Prompt = new int[14], MaxTokens = 2 });
        scheduler.Add(new SequenceRequest { Prompt = new int[16], MaxTokens = 9 });
        scheduler.Add(new SequenceRequest { Prompt = [1], MaxTokens = 2 });
        Assert.Equal([new SequenceId(1)], scheduler.Next().Slices.Select(slice => slice.Sequence));
        Assert.Equal((1, 2), (scheduler.Counters.Running, scheduler.Counters.Waiting));
    }

    /// <summary>Both need their second block at the same time and one is left: the younger skips its turns, and loses nothing.</summary>
    [Fact]
    public void TrySchedule_OneBlockForTwoDecodes_GoesToTheOlderWithoutPreemption()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options, new KvCacheSpec(2, [new KvCacheGroup(null, 16, 3)]));
        scheduler.Add(new SequenceRequest { Prompt = [1], MaxTokens = 3 });
        scheduler.Add(new SequenceRequest { Prompt = [1], MaxTokens = 3 });
        var order = scheduler.Finish((_, _) => 7).Select(update => update.Sequence.Value);
        Assert.Equal([1, 2, 1, 2, 1, 2], order);
        Assert.Equal((4, 0), (scheduler.Next().Step - 1, scheduler.Counters.Preemptions));
    }

    [Fact]
    public void Cancel_WhileWaiting_TellsTheStagesNothing()
    {
        var scheduler = SchedulerTestBed.Create();
        var id = scheduler.Add(new SequenceRequest { Prompt = [1] });
        Assert.Equal(FinishReason.Cancelled, scheduler.Cancel(id)?.FinishReason);
        Assert.Null(scheduler.Cancel(id));
        Assert.False(scheduler.HasWork);
        Assert.Null(scheduler.TrySchedule());
    }

    [Fact]
    public void Cancel_BetweenSteps_FreesTheBlocksAtOnceAndTellsTheStagesOnce()
    {
        var scheduler = SchedulerTestBed.Create();
        var id = scheduler.Add(new SequenceRequest { Prompt = new int[9] });
        scheduler.Complete(scheduler.Next(), _ => 7);
        scheduler.Cancel(id);
        Assert.Equal(64, scheduler.Counters.FreeBlocks);
        var farewell = scheduler.Next();
        Assert.Equal([id], farewell.Released);
        Assert.Empty(farewell.Slices);
        Assert.Empty(scheduler.Complete(farewell, _ => 7));
        Assert.False(scheduler.HasWork);
    }

    [Fact]
    public void Counters_WhileRunning_ShowTheFullestGroup()
    {
        var cache = new KvCacheSpec(4, [new KvCacheGroup(8, 6, 12), new KvCacheGroup(null, 8, 10)]);
        var scheduler = new Scheduler(SchedulerTestBed.Options, cache);
        scheduler.Add(new SequenceRequest { Prompt = new int[15], MaxTokens = 2 });
        scheduler.Next();
        Assert.Equal(new SchedulerCounters(1, 0, 1, 8 + 6, 0.4, 0) { UsedBlocks = 4 + 4, Scheduled = new(15, 0), LastStep = new(15, 0) }, scheduler.Counters);
    }

    [Fact]
    public void Restart_WithAChunkInFlight_ComputesEverythingAgainUnderTheNewEpoch()
    {
        var scheduler = SchedulerTestBed.Create();
        var id = scheduler.Add(new SequenceRequest { Prompt = [1, 2, 3], MaxTokens = 4 });
        scheduler.Complete(scheduler.Next(), _ => 7);
        scheduler.Next();
        scheduler.Restart(new PlanEpoch(4));
        var again = scheduler.Next();
        Assert.Equal((new PlanEpoch(4), 1L), (again.Epoch, again.Step));
        Assert.Empty(again.Released);
        var slice = Assert.Single(again.Slices);
        Assert.Equal((id, 0, 3), (slice.Sequence, slice.FirstPosition, slice.Start?.PromptLength));
        Assert.Equal([1, 2, 3, 7], slice.Tokens);
    }

    [Fact]
    public void Restart_WithTheSameEpoch_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SchedulerTestBed.Create().Restart(new PlanEpoch(3)));
}
