using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;
using Pipeline.TestKit.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>What stages behind the first one promise on top: hidden states that they were given are given back, whatever happens.</summary>
public abstract class HiddenStageContract : StageContract
{
    private readonly HiddenStatesLedger _ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The stage's place: the last of two.</summary>
    protected override int EntryStage => 1;

    [Fact]
    public async Task Forward_ToTheEnd_GivesHiddenStatesBack()
    {
        await using var test = await CreateAsync();

        await StepsOfAsync(test.Stage.ForwardAsync(FeedOf(Steps(10)).ReadAsync(CancellationToken.None), Cancellation));

        Assert.Equal(0, _ledger.Live);
    }

    [Fact]
    public async Task Forward_Failing_GivesHiddenStatesBack()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(20).Where(step => step.Step != 7));

        await Assert.ThrowsAsync<StageException>(() => StepsOfAsync(test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation)));

        Assert.InRange(feed.Taken, 7, 19);
        Assert.Equal(0, _ledger.Live);
    }

    [Fact]
    public async Task Forward_ConsumerLeaving_GivesHiddenStatesBack()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(1000));

        await foreach (var output in test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation))
        {
            output.Dispose();
            if (output.Microbatch.Step == 4)
            {
                break;
            }
        }

        Assert.True(feed.Released);
        Assert.Equal(0, _ledger.Live);
    }

    private protected override InputFeed FeedOf(IEnumerable<Microbatch> microbatches) =>
        new(microbatches, microbatch => new StageInput(microbatch, _ledger.Rent(microbatch.TokenCount, Model.HiddenSize, ElementType.Float32)));
}
