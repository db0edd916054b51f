using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tests.Verification;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Execution;

/// <summary>Many clients at once, from many threads, that go away whenever they like.</summary>
public class PipelineLoopCancelTests
{
    private const int Clients = 8;
    private const int RequestsOfEach = 1250;

    private static readonly KvCacheSpec Cache = new(4, [new KvCacheGroup(null, 8, 24), new KvCacheGroup(6, 5, 20)]);

    [Fact]
    public async Task TenThousandCancels_FromManyThreads_LeaveNothing()
    {
        var pipeline = new ToyPipeline(Cache, sharesBlocks: true);
        await using var loop = new PipelineLoop(new Scheduler(Options, Cache), pipeline);

        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => BehaveAsync(loop, new Random(client)))));
        await loop.CompleteAsync();

        var counters = loop.Counters;
        Assert.Equal((0, 0, 0, 44, 0d), (counters.Running, counters.Waiting, counters.InFlight, counters.FreeBlocks, counters.CacheUsage));
        Assert.True(loop.IsIdle);
        Assert.Equal(loop.CompletedSteps, pipeline.Microbatches.Count);
        Assert.Equal(pipeline.Microbatches.Sum(microbatch => (long)microbatch.TokenCount), counters.Scheduled.Prefill + counters.Scheduled.Decode);
        Assert.InRange(counters.Prefixes.HitTokens, 1, counters.Prefixes.QueriedTokens);
    }

    private static SchedulerOptions Options => new()
    {
        Epoch = new PlanEpoch(1),
        MaxSequences = 6,
        MaxBatchedTokens = 8,
        Microbatches = 2,
        MaxModelLength = 32,
        PrefixCaching = true,
    };

    private static async Task BehaveAsync(PipelineLoop loop, Random random)
    {
        for (var count = 0; count < RequestsOfEach; count++)
        {
            var feed = loop.Submit(new SequenceRequest { Prompt = [.. Enumerable.Range(0, random.Next(1, 20)).Select(index => index % 5)], MaxTokens = random.Next(1, 12) });
            Assert.InRange(loop.Counters.CacheUsage, 0, 1);
            for (var updates = random.Next(4); updates > 0 && await feed.Updates.WaitToReadAsync(TestContext.Current.CancellationToken); updates--)
            {
                await feed.Updates.ReadAsync(TestContext.Current.CancellationToken);
            }

            loop.Cancel(feed.Id);
            await foreach (var _ in feed.Updates.ReadAllAsync(TestContext.Current.CancellationToken))
            {
            }
        }
    }
}
