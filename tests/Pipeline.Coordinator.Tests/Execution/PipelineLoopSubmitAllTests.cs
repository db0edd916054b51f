using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tests.Verification;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Execution;

public class PipelineLoopSubmitAllTests
{
    private static readonly TimeSpan LongEnoughForAStep = TimeSpan.FromMilliseconds(200);
    private static readonly KvCacheSpec Cache = new(4, [new KvCacheGroup(null, 4, 16)]);

    [Fact]
    public async Task SubmitAll_OneThatCanNeverRun_PutsNoneIn()
    {
        var pipeline = new ToyPipeline(Cache);
        await using var loop = new PipelineLoop(new Scheduler(Options, Cache), pipeline);

        Assert.Throws<RequestRejectedException>(() => loop.SubmitAll([Request(3), Request(99), Request(2)]));
        Assert.Equal(0, loop.Counters.Running + loop.Counters.Waiting);
        await loop.CompleteAsync();

        Assert.Empty(pipeline.Microbatches);
    }

    [Fact]
    public async Task SubmitAll_Several_AnswersInTheOrderOfTheRequests()
    {
        var pipeline = new ToyPipeline(Cache);
        await using var loop = new PipelineLoop(new Scheduler(Options, Cache), pipeline);

        var feeds = loop.SubmitAll([Request(3), Request(1), Request(2)]);
        await loop.CompleteAsync();

        Assert.Equal([(1, 3), (2, 1), (3, 2)], pipeline.Microbatches[0].Slices.Select(slice => ((int)slice.Sequence.Value, slice.Tokens.Length)));
        Assert.Equal([1, 2, 3], feeds.Select(feed => (int)feed.Id.Value));
    }

    [Fact]
    public async Task SubmitAll_SendsNothingBeforeWhoAsksKnowsTheSequences()
    {
        await using var loop = new PipelineLoop(new Scheduler(Options, Cache), new ToyPipeline(Cache));
        var sent = new ManualResetEventSlim();
        loop.Sent += _ => sent.Set();
        var sentBefore = false;

        loop.SubmitAll([Request(3)], added => sentBefore = sent.Wait(LongEnoughForAStep, TestContext.Current.CancellationToken));
        await loop.CompleteAsync();

        Assert.False(sentBefore, "a step was sent before its sequence was known");
        Assert.True(sent.IsSet);
    }

    private static SchedulerOptions Options => new() { Epoch = new PlanEpoch(1), MaxSequences = 4, MaxBatchedTokens = 16, Microbatches = 1, MaxModelLength = 16 };

    private static SequenceRequest Request(int promptLength) => new() { Prompt = new int[promptLength], MaxTokens = 2 };
}
