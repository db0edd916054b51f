using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.Services;

/// <summary>V-19 over the wire: what does not follow is refused by name, and the run then finishes as if nothing had been.</summary>
public class FenceTests
{
    private static readonly Dictionary<string, (StageError Error, Func<IReadOnlyList<Microbatch>, int, Microbatch> Breach)> Breaches = new()
    {
        ["the step after"] = (StageError.OutOfOrder, (steps, i) => steps[i + 1]),
        ["the step before"] = (StageError.OutOfOrder, (steps, i) => steps[i - 1]),
        ["another epoch"] = (StageError.WrongEpoch, (steps, i) => steps[i] with { Epoch = new PlanEpoch(2) }),
        ["an unknown sequence"] = (StageError.UnknownSequence, (steps, i) => First(steps[i], slice => slice with { Sequence = new SequenceId(77), Start = null })),
        ["a sequence twice"] = (StageError.DuplicateSequence, (steps, i) => steps[i] with { Slices = [.. steps[i].Slices, steps[i].Slices[0]] }),
        ["another position"] = (StageError.PositionMismatch, (steps, i) => First(steps[i], slice => slice with { FirstPosition = slice.FirstPosition + 1 })),
        ["a token out of vocabulary"] = (StageError.TokenOutOfVocabulary, (steps, i) => First(steps[i], slice => slice with { Tokens = [97] })),
        ["a block out of range"] = (StageError.BlockOutOfRange, (steps, i) => First(steps[i], slice => slice with { BlockUpdates = [new BlockUpdate(0, 0, 1_000_000)] })),
        ["too many tokens"] = (StageError.BatchTooLarge, (steps, i) => First(steps[i], slice => slice with { Tokens = new int[Models.MaxBatchTokens + 1] })),
        ["no tokens"] = (StageError.WrongShape, (steps, i) => First(steps[i], slice => slice with { Tokens = [] })),
    };

    /// <summary>All breaches one after the other, before every step of the run.</summary>
    [Fact]
    public async Task Forward_BreachesInARun_AreRefusedAndChangeNothing()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var undisturbed = new LocalPipeline();
        var steps = Script.Write();
        for (var i = 0; i < steps.Count; i++)
        {
            foreach (var (name, (error, breach)) in Breaches)
            {
                // The first and last steps have no neighbour, the empty one no slice to spoil.
                if (i > 0 && i + 1 < steps.Count && steps[i].Slices.Count > 0)
                {
                    var refusal = await stage.RefusalAsync(breach(steps, i));
                    Assert.True(error == refusal.Error, $"{name} before step {i + 1}: {refusal.Error}, {refusal.Message}");
                    Assert.Equal(0, refusal.StageIndex);
                    Assert.Equal(error, (await stage.FailureAsync()).Error);
                }
            }

            Same.Results(undisturbed.Step(steps[i]), await stage.StepAsync(steps[i]));
        }
    }

    /// <summary>What only a later stage can check: the hidden states must be of its shape and type.</summary>
    [Theory]
    [InlineData("type", StageError.WrongElementType)]
    [InlineData("rows", StageError.WrongShape)]
    [InlineData("width", StageError.WrongShape)]
    [InlineData("none", StageError.WrongShape)]
    public async Task Forward_HiddenStatesOfAnotherShape_AreRefusedAndChangeNothing(string what, StageError error)
    {
        await using var worker = await TestWorker.StartAsync();
        await using var last = await TestStage.StartAsync(worker, new ShardAssignment(1, 2, new LayerRange(2, 4)));
        using var first = new LocalPipeline(ElementType.Float32, 2, 2);
        using var undisturbed = new LocalPipeline(ElementType.Float32, 2, 2);
        foreach (var step in Script.Write())
        {
            if (step.TokenCount > 0)
            {
                using var wrong = Wrong(what, step.TokenCount);
                var refusal = await last.RefusalAsync(step, wrong);
                Assert.Equal((error, 1), (refusal.Error, refusal.StageIndex));
            }

            using var hidden = first.FirstHidden(step);
            Same.Results(undisturbed.Step(step), await last.StepAsync(step, hidden));
        }
    }

    [Fact]
    public async Task Forward_HiddenStatesToTheFirstStage_AreRefused()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var step = Script.Write()[0];
        using var hidden = HiddenStates.Rent(step.TokenCount, Models.Config.HiddenSize, ElementType.Float32);
        Assert.Equal(StageError.WrongShape, (await stage.RefusalAsync(step, hidden)).Error);
    }

    /// <summary>A failure further down ends the stream with the name of the stage where it happened.</summary>
    [Fact]
    public async Task Forward_RefusedByTheNextStage_NamesThatStage()
    {
        await using var workers0 = await TestWorker.StartAsync();
        await using var workers1 = await TestWorker.StartAsync();
        await using var last = await TestStage.AttachAsync(workers1, new ShardAssignment(1, 2, new LayerRange(2, 4)));
        await last.LoadAsync();
        await last.StartAsync(change: request => request.MaxBatchTokens = 4);
        await using var first = await TestStage.StartAsync(workers0, new ShardAssignment(0, 2, new LayerRange(0, 2)), last);
        var refusal = await first.RefusalAsync(Script.Write()[0]);
        Assert.Equal((StageError.BatchTooLarge, 1), (refusal.Error, refusal.StageIndex));
        var told = await last.FailureAsync();
        Assert.Equal((StageError.BatchTooLarge, 1), (told.Error, told.StageIndex));
    }

    /// <summary>V-15 with real streams: two stages give the bits of one.</summary>
    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.BFloat16)]
    public async Task Forward_TwoStages_GiveTheBitsOfOne(ElementType type)
    {
        await using var workers0 = await TestWorker.StartAsync();
        await using var workers1 = await TestWorker.StartAsync();
        await using var last = await TestStage.StartAsync(workers1, new ShardAssignment(1, 2, new LayerRange(1, 4)), type: type);
        await using var first = await TestStage.StartAsync(workers0, new ShardAssignment(0, 2, new LayerRange(0, 1)), last, type);
        using var whole = new LocalPipeline(type);
        foreach (var step in Script.Write())
        {
            await first.SendAsync(step);
            Same.Results(whole.Step(step), await last.ResultAsync());
        }

        await first.CompleteAsync();
    }

    /// <summary>One stream at a time; the refused one does not disturb the other.</summary>
    [Fact]
    public async Task Forward_SecondStream_IsRefused()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var undisturbed = new LocalPipeline();
        var steps = Script.Write();
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0]));
        await using var second = await Protos.Clients.ForwardCall.OpenAsync(worker.Channel.CreateCallInvoker(), 0, stage.Connection.Lease, null, TestContext.Current.CancellationToken);
        var refusal = await Assert.ThrowsAsync<StageException>(second.WaitForEndAsync);
        Assert.Equal(StageError.AlreadyInUse, refusal.Error);
        Same.Results(undisturbed.Step(steps[1]), await stage.StepAsync(steps[1]));
    }

    /// <summary>A new epoch ends the stream of the old one, whose sender may be long gone.</summary>
    [Fact]
    public async Task Start_WhileAStreamIsOpen_EndsItAndBeginsAfresh()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var steps = Script.Write();
        await stage.StepAsync(steps[0]);
        await stage.StartAsync(change: request => request.Epoch = 2);
        Assert.Equal(StageError.NotReady, (await stage.EndAsync()).Error);
        Assert.Equal(StageError.WrongEpoch, (await stage.RefusalAsync(steps[1] with { Step = 1 })).Error);
        using var undisturbed = new LocalPipeline();
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0] with { Epoch = new PlanEpoch(2) }));
    }

    private static HiddenStates? Wrong(string what, int rows) => what switch
    {
        "type" => HiddenStates.Rent(rows, Models.Config.HiddenSize, ElementType.BFloat16),
        "rows" => HiddenStates.Rent(rows + 1, Models.Config.HiddenSize, ElementType.Float32),
        "width" => HiddenStates.Rent(rows, Models.Config.HiddenSize / 2, ElementType.Float32),
        _ => null,
    };

    private static Microbatch First(Microbatch good, Func<SequenceSlice, SequenceSlice> change) => good with { Slices = [change(good.Slices[0]), .. good.Slices.Skip(1)] };
}
