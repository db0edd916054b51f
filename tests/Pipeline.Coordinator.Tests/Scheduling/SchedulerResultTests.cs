using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>What a result does to the sequences, and which results are refused.</summary>
public class SchedulerResultTests
{
    private const int Eos = 2;
    private const int Word = 7;

    [Fact]
    public void Complete_RowsThatEndAtDifferentSteps_CutsEachAtItsOwnStop()
    {
        var scheduler = SchedulerTestBed.Create();
        var ids = Enumerable.Range(0, 3).Select(_ => scheduler.Add(new SequenceRequest { Prompt = [1, 5], MaxTokens = 5, EosTokenIds = [Eos] })).ToArray();
        var updates = scheduler.Finish((microbatch, slice) =>
            (slice.Sequence == ids[0] && microbatch.Step == 1) || (slice.Sequence == ids[1] && microbatch.Step == 3) ? Eos : Word);

        Assert.Equal([0, 2, 5], ids.Select(id => updates.Count(update => update.Sequence == id && update is { Token: not null, IsStopToken: false })));
        Assert.Equal([Eos, Eos, Word], ids.Select(id => updates.Last(update => update.Sequence == id).Token!.Token));
        Assert.Equal([FinishReason.Stop, FinishReason.Stop, FinishReason.Length], updates.Where(update => update.FinishReason is not null).Select(update => update.FinishReason!.Value));
    }

    [Fact]
    public void Complete_AllStopAtTheFirstStep_GivesEveryOneItsUpdate()
    {
        var scheduler = SchedulerTestBed.Create();
        var ids = Enumerable.Range(0, 3).Select(_ => scheduler.Add(new SequenceRequest { Prompt = [1, 5], EosTokenIds = [Eos] })).ToArray();
        var updates = scheduler.Complete(scheduler.Next(), _ => Eos);
        Assert.Equal(ids, updates.Select(update => update.Sequence));
        Assert.All(updates, update => Assert.True(update is { IsStopToken: true, FinishReason: FinishReason.Stop }));
    }

    [Theory]
    [InlineData(false, 0, 1)]
    [InlineData(true, 0, 4)] // ignored: a token like any other
    [InlineData(false, 1, 2)] // one that came too early takes nothing from the next
    [InlineData(false, 2, 3)] // two tokens have to come first, even if the sampler errs
    public void Complete_EndToken_StopsUnlessIgnoredOrTooEarly(bool ignoreEos, int minTokens, int expectedSteps)
    {
        var scheduler = SchedulerTestBed.Create();
        scheduler.Add(new SequenceRequest
        {
            Prompt = [1, 5],
            MaxTokens = 4,
            EosTokenIds = [Eos],
            IgnoreEos = ignoreEos,
            Sampling = new SamplingParams { MinTokens = minTokens },
        });
        Assert.Equal(expectedSteps, scheduler.Finish((_, _) => Eos).Count);
    }

    [Theory]
    [InlineData(false, new[] { 2, 9 })]
    [InlineData(true, new[] { 9 })]
    public void Start_WithEosAndStopTokens_NamesToTheSamplerWhateverEndsTheSequence(bool ignoreEos, int[] expected)
    {
        var scheduler = SchedulerTestBed.Create();
        var sampling = new SamplingParams { StopTokenIds = [9], Temperature = 0.5f };
        scheduler.Add(new SequenceRequest { Prompt = [1], EosTokenIds = [Eos], IgnoreEos = ignoreEos, Sampling = sampling });
        var start = scheduler.Next().Slices[0].Start;
        Assert.Equal(expected, start!.Sampling.StopTokenIds);
        Assert.Equal(0.5f, start.Sampling.Temperature);
    }

    [Fact]
    public void Complete_PromptInChunks_DeliversScoresAndRawLogitsOfEveryPositionOnce()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options with { MaxBatchedTokens = 4 }, SchedulerTestBed.Cache);
        scheduler.Add(new SequenceRequest { Prompt = new int[10], MaxTokens = 3, PromptLogprobs = true, RawLogits = true });
        var updates = scheduler.Finish((_, _) => Word);

        Assert.Equal(Enumerable.Range(0, 9).Select(position => (float)position), updates.SelectMany(update => update.PromptLogprobs.ToArray()));
        Assert.Equal(Enumerable.Range(0, 12).SelectMany(position => new float[] { position, 2 * position }), updates.SelectMany(update => update.RawLogits.ToArray()));
    }

    [Fact]
    public void Complete_WithoutMaxTokens_EndsWhenTheContextIsFull()
    {
        var scheduler = SchedulerTestBed.Create();
        scheduler.Add(new SequenceRequest { Prompt = new int[5] });
        var updates = scheduler.Finish((_, _) => Word);
        Assert.Equal(32 - 5, updates.Count);
        Assert.Equal(FinishReason.Length, updates[^1].FinishReason);
    }

    public static TheoryData<string, StageError, string> Faults => new()
    {
        { "epoch", StageError.WrongEpoch, "result of step 1 is of epoch 2, the pipeline runs epoch 3" },
        { "step", StageError.OutOfOrder, "result of step 2, expected step 1" },
        { "microbatch", StageError.Malformed, "step 1 belongs to mb0, the result says mb1" },
        { "slices", StageError.Malformed, "step 1 has 2 slices, the result 1" },
        { "order", StageError.Malformed, "step 1 carries seq1, the result has seq2 in its place" },
        { "no token", StageError.Malformed, "step 1 seq1: a token was asked for and is missing" },
        { "token", StageError.Malformed, "step 1 seq2: a token came unasked" },
        { "scores", StageError.Malformed, "step 1 seq2: needs 3 prompt log-probabilities, got 2" },
        { "logits", StageError.Malformed, "step 1 seq1: needs raw logits of 3 rows, got 5 values" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Complete_ResultThatAnswersSomethingElse_IsRefusedAndChangesNothing(string fault, StageError error, string message)
    {
        var scheduler = SchedulerTestBed.Create();
        scheduler.Add(new SequenceRequest { Prompt = new int[3], MaxTokens = 4, RawLogits = true });
        scheduler.Add(new SequenceRequest { Prompt = new int[4], MaxTokens = 0, PromptLogprobs = true });
        var good = SchedulerTestBed.Answer(scheduler.Next(), _ => Word);
        var counters = scheduler.Counters;
        var exception = Assert.Throws<StageException>(() => scheduler.Complete(Spoil(good, fault)));
        Assert.Equal((error, message), (exception.Error, exception.Message));
        Assert.Equal(counters, scheduler.Counters);
        Assert.Equal(2, scheduler.Complete(good).Count);
    }

    [Fact]
    public void Complete_TheSameResultTwice_IsRefused()
    {
        var scheduler = SchedulerTestBed.Create();
        scheduler.Add(new SequenceRequest { Prompt = [1] });
        var result = SchedulerTestBed.Answer(scheduler.Next(), _ => Word);
        scheduler.Complete(result);
        var exception = Assert.Throws<StageException>(() => scheduler.Complete(result));
        Assert.Equal("result of step 1, but nothing is in flight; the last step was 1", exception.Message);
    }

    private static MicrobatchResult Spoil(MicrobatchResult good, string fault)
    {
        var (first, second) = (good.Slices[0], good.Slices[1]);
        return fault switch
        {
            "epoch" => good with { Epoch = new PlanEpoch(2) },
            "step" => good with { Step = 2 },
            "microbatch" => good with { Id = new MicrobatchId(1) },
            "slices" => good with { Slices = [first] },
            "order" => good with { Slices = [second, first] },
            "no token" => good with { Slices = [first with { Sampled = null }, second] },
            "token" => good with { Slices = [first, second with { Sampled = first.Sampled }] },
            "scores" => good with { Slices = [first, second with { PromptLogprobs = new float[2] }] },
            "logits" => good with { Slices = [first with { Logits = new float[5] }, second] },
            _ => throw new ArgumentOutOfRangeException(nameof(fault)),
        };
    }
}
