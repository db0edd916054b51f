using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Clients that go away, ten thousand of them, at every stage of a request's life: nothing is left behind.</summary>
public class CancelStormTests
{
    private const int Cancels = 10_000;

    /// <summary>Far beyond what it takes: a scheduler that loses its blocks comes to no end by itself.</summary>
    private const int MostRounds = 100 * Cancels;

    private static readonly KvCacheSpec Cache = new(4, [new KvCacheGroup(null, 12, 24), new KvCacheGroup(7, 5, 20)]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TenThousandCancels_InEveryState_LeaveNothing(bool prefixes)
    {
        var scheduler = new Scheduler(OptionsWith(prefixes), Cache);
        var stage = new ReplayStage(Cache, prefixes);
        var pipe = new Queue<MicrobatchResult>();
        var random = new Random(11);
        var live = new List<SequenceId>();
        var (cancelled, inFlight) = (0, 0);
        for (var round = 0; cancelled < Cancels || scheduler.HasWork; round++)
        {
            Assert.True(round < MostRounds, $"{cancelled} cancelled and no end");
            while (cancelled < Cancels && live.Count < 14)
            {
                live.Add(scheduler.Add(RequestOf(random)));
            }

            for (var turns = random.Next(4); turns > 0 && scheduler.TrySchedule() is { } microbatch; turns--)
            {
                pipe.Enqueue(stage.Forward(microbatch));
            }

            for (var turns = random.Next(4); turns > 0 && pipe.TryDequeue(out var result); turns--)
            {
                live.RemoveAll(scheduler.Complete(result).Where(update => update.FinishReason is not null).Select(update => update.Sequence).Contains);
            }

            for (var turns = random.Next(3); turns > 0 && cancelled < Cancels && live.Count > 0; turns--)
            {
                var index = random.Next(live.Count);
                Assert.Equal(FinishReason.Cancelled, scheduler.Cancel(live[index])?.FinishReason);
                inFlight += scheduler.InFlight > 0 ? 1 : 0;
                live.RemoveAt(index);
                cancelled++;
            }
        }

        var counters = scheduler.Counters;
        Assert.Equal((0, 0, 0, 44, 0d), (counters.Running, counters.Waiting, counters.InFlight, counters.FreeBlocks, counters.CacheUsage));
        Assert.Equal(0, stage.SequenceCount);
        scheduler.Pool.CheckIntegrity();
        Assert.InRange(inFlight, 1000, int.MaxValue);
        Assert.InRange(counters.Preemptions, 100, long.MaxValue);
        Assert.Equal(prefixes, counters.Prefixes.HitTokens > 1000);
    }

    private static SchedulerOptions OptionsWith(bool prefixes) => new()
    {
        Epoch = new PlanEpoch(1),
        MaxSequences = 9,
        MaxBatchedTokens = 10,
        Microbatches = 3,
        MaxModelLength = 48,
        PrefixCaching = prefixes,
    };

    private static SequenceRequest RequestOf(Random random) => new()
    {
        Prompt = [.. Enumerable.Range(0, random.Next(1, 30)).Select(index => index < 12 ? index % 5 : random.Next(5))],
        MaxTokens = random.Next(1, 18),
        Priority = random.Next(3) == 0 ? 1 : 0,
    };
}
