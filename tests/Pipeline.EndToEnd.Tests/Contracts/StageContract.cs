using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;
using Pipeline.TestKit;
using Pipeline.TestKit.Batching;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>What every <see cref="IStage"/> promises, whatever it is made of: the stages of this suite's subclasses run through all of it.</summary>
public abstract class StageContract
{
    protected const int MaxChunk = 64;

    private const int Endless = 100_000;

    /// <summary>The model behind the stages that have one: small, and with a window, so that a sequence may go on for ever.</summary>
    protected static string ModelFolder { get; } = Fixtures.At("random-mistral");

    protected static ModelConfig Model { get; } = ModelConfigFile.Read(ModelFolder).Config;

    protected static KvCacheSpec Cache { get; } = CacheSpecs.For(Model, blockSize: 16, MaxChunk, maxLength: 256, sequences: 8);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Forward_ManyInputs_GivesAnOutputForEachInOrder()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(40));

        var steps = await StepsOfAsync(test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation));

        Assert.Equal(Enumerable.Range(1, 40).Select(step => (long)step), steps);
        Assert.True(feed.Released);
    }

    [Fact]
    public async Task Forward_NoInputs_Completes()
    {
        await using var test = await CreateAsync();

        Assert.Empty(await StepsOfAsync(test.Stage.ForwardAsync(FeedOf([]).ReadAsync(CancellationToken.None), Cancellation)));
    }

    [Fact]
    public async Task Forward_StepOutOfOrder_FailsTypedWithTheStagesIndex()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(Endless).Where(step => step.Step != 2));
        List<long> steps = [];

        var failure = await Assert.ThrowsAsync<StageException>(() => CollectAsync(test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation), steps));

        Assert.Equal((StageError.OutOfOrder, EntryStage), (failure.Error, failure.StageIndex));
        Assert.True(steps is [] or [1]);
        Assert.True(feed.Released);
    }

    [Fact]
    public async Task Forward_InputsFail_PassesTheFailureOn()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(3).Concat(Failing()));

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => StepsOfAsync(test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation)));

        Assert.Equal("no more inputs", failure.Message);
    }

    [Fact]
    public async Task Forward_Cancelled_StopsTakingInputs()
    {
        await using var test = await CreateAsync();
        using var cancellation = new CancellationTokenSource();
        var feed = FeedOf(Steps(Endless));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var output in test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), cancellation.Token))
            {
                output.Dispose();
                if (output.Microbatch.Step == 5)
                {
                    await cancellation.CancelAsync();
                }
            }
        });

        Assert.True(feed.Released);
        Assert.InRange(feed.Taken, 5, Endless - 1);
    }

    [Fact]
    public async Task Forward_ConsumerLeaves_StopsTakingInputs()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(Endless));

        await foreach (var output in test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation))
        {
            output.Dispose();
            break;
        }

        Assert.True(feed.Released);
    }

    [Fact]
    public async Task Forward_SlowConsumer_HoldsBackTheInputs()
    {
        await using var test = await CreateAsync();
        var feed = FeedOf(Steps(Endless));
        var outputs = test.Stage.ForwardAsync(feed.ReadAsync(CancellationToken.None), Cancellation).GetAsyncEnumerator(Cancellation);
        await using (outputs)
        {
            for (var step = 0; step < 3; step++)
            {
                Assert.True(await outputs.MoveNextAsync());
                outputs.Current.Dispose();
            }

            var taken = await Eventually.SettlesAsync(() => feed.Taken);

            Assert.InRange(taken, 3, 3 + test.InputsAhead);
        }
    }

    /// <summary>Index of the stage that inputs meet first.</summary>
    protected virtual int EntryStage => 0;

    private protected abstract Task<StageUnderTest> CreateAsync();

    /// <summary>One sequence: a prompt of two tokens, then one token a step.</summary>
    protected static IEnumerable<Microbatch> Steps(int count)
    {
        var writer = new MicrobatchWriter(Cache, seed: 5);
        for (var step = 0; step < count; step++)
        {
            yield return writer.Next(new PlannedSlice(1, step == 0 ? [7, 11] : [step % Model.VocabularySize], LogitsRequest.Sample));
        }
    }

    private protected virtual InputFeed FeedOf(IEnumerable<Microbatch> microbatches) => new(microbatches, microbatch => new StageInput(microbatch, null));

    private protected static async Task<IReadOnlyList<long>> StepsOfAsync(IAsyncEnumerable<StageOutput> outputs)
    {
        List<long> steps = [];
        await CollectAsync(outputs, steps);
        return steps;
    }

    private static async Task CollectAsync(IAsyncEnumerable<StageOutput> outputs, List<long> steps)
    {
        await foreach (var output in outputs)
        {
            steps.Add(output.Microbatch.Step);
            output.Dispose();
        }
    }

    private static IEnumerable<Microbatch> Failing() => Enumerable.Range(0, 1).Select<int, Microbatch>(_ => throw new InvalidOperationException("no more inputs"));
}
