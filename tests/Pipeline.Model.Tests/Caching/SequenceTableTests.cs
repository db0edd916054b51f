using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Caching;

/// <summary>V-19: whatever does not follow is refused by name, and leaves no trace.</summary>
public class SequenceTableTests
{
    private const int MaxBatchTokens = 24;
    private static readonly ModelConfig Config = TinyModels.PerLayerWindows;

    // Two groups: full attention up to 32 positions, and a window of 4 in rings of 16.
    private static readonly KvCacheSpec Spec = CacheSpecs.For(Config, blockSize: 4, maxChunk: 12, maxLength: 32, sequences: 3);

    private static readonly Dictionary<string, (StageError Error, Func<Microbatch, Microbatch> Change)> Breaches = new()
    {
        ["another epoch"] = (StageError.WrongEpoch, good => good with { Epoch = new PlanEpoch(2) }),
        ["a step too far"] = (StageError.OutOfOrder, good => good with { Step = good.Step + 1 }),
        ["the step before"] = (StageError.OutOfOrder, good => good with { Step = good.Step - 1 }),
        ["an unknown sequence"] = (StageError.UnknownSequence, good => Last(good, slice => slice with { Sequence = new SequenceId(99), Start = null })),
        ["a released sequence"] = (StageError.UnknownSequence, good => good with { Released = [new SequenceId(1)] }),
        ["a start of what runs"] = (StageError.DuplicateSequence, good => Last(good, slice => slice with { Sequence = new SequenceId(3) })),
        ["two slices of a sequence"] = (StageError.DuplicateSequence, good => good with { Slices = [.. good.Slices, good.Slices[0]] }),
        ["a gap in positions"] = (StageError.PositionMismatch, good => First(good, slice => slice with { FirstPosition = slice.FirstPosition + 1 })),
        ["a position again"] = (StageError.PositionMismatch, good => First(good, slice => slice with { FirstPosition = slice.FirstPosition - 1 })),
        ["a start in the middle"] = (StageError.PositionMismatch, good => Last(good, slice => slice with { FirstPosition = 3 })),
        ["no tokens"] = (StageError.WrongShape, good => Last(good, slice => slice with { Tokens = [] })),
        ["a token too large"] = (StageError.TokenOutOfVocabulary, good => Last(good, slice => slice with { Tokens = [0, 97] })),
        ["a negative token"] = (StageError.TokenOutOfVocabulary, good => Last(good, slice => slice with { Tokens = [-1] })),
        ["a next token too large"] = (StageError.TokenOutOfVocabulary, good => Last(good, slice => slice with { NextToken = 97 })),
        ["a negative prompt length"] = (StageError.Malformed, good => Last(good, slice => slice with { Start = slice.Start! with { PromptLength = -1 } })),
        ["a block too many"] = (StageError.BlockOutOfRange, good => Update(good, update => update with { Block = Spec.Groups[update.Group].BlockCount })),
        ["a negative block"] = (StageError.BlockOutOfRange, good => Update(good, update => update with { Block = -1 })),
        ["an unknown group"] = (StageError.BlockOutOfRange, good => Update(good, update => update with { Group = 2 })),
        ["a negative group"] = (StageError.BlockOutOfRange, good => Update(good, update => update with { Group = -1 })),
        ["a gap in the table"] = (StageError.BlockOutOfRange, good => Update(good, update => update with { Index = update.Index + 1 })),
        ["a negative index"] = (StageError.BlockOutOfRange, good => Update(good, update => update with { Index = -1 })),
        ["a table longer than its ring"] = (StageError.BlockOutOfRange, good => Last(good, slice => slice with { BlockUpdates = [.. Enumerable.Range(0, 5).Select(i => new BlockUpdate(1, i, i))] })),
        ["too few blocks"] = (StageError.BlockOutOfRange, good => Last(good, slice => slice with { BlockUpdates = [.. slice.BlockUpdates.Skip(1)] })),
        ["too many tokens"] = (StageError.BatchTooLarge, good => Last(good, slice => slice with { Tokens = new int[MaxBatchTokens] })),
    };

    public static TheoryData<string> BreachNames => [.. Breaches.Keys];

    [Theory]
    [MemberData(nameof(BreachNames))]
    public void Admit_Breach_IsRefusedAndLeavesNoTrace(string name)
    {
        var (error, change) = Breaches[name];
        var (table, undisturbed) = (Prepare(out var good), Prepare(out _));
        var failure = Assert.Throws<StageException>(() => table.Admit(change(good)));
        Assert.Equal(error, failure.Error);
        AssertSame(undisturbed, table);
        AssertSame(undisturbed.Admit(good), table.Admit(good));
        AssertSame(undisturbed, table);
    }

    /// <summary>A full-attention ring that came round would forget the beginning of the sequence.</summary>
    [Fact]
    public void Admit_SequenceBeyondTheFullAttentionTable_IsRefused()
    {
        var config = Config.WithWindow(null);
        var table = new SequenceTable(config, new KvCacheSpec(4, [new KvCacheGroup(null, 2, 8)]), new PlanEpoch(1), 64);
        var writer = new MicrobatchWriter(new KvCacheSpec(4, [new KvCacheGroup(null, 2, 8)]), seed: 1);
        table.Admit(writer.Next(new PlannedSlice(1, new int[8])));
        Assert.Equal(StageError.BlockOutOfRange, Assert.Throws<StageException>(() => table.Admit(writer.Next(new PlannedSlice(1, [1])))).Error);
    }

    /// <summary>Ring of 8, window 4: after 5 tokens a chunk of 5 is the longest whose first row still finds its keys.</summary>
    [Theory]
    [InlineData(5, true)]
    [InlineData(6, false)]
    public void Admit_ChunkLargerThanTheRingAllows_IsRefused(int chunk, bool fits)
    {
        var spec = new KvCacheSpec(4, [new KvCacheGroup(4, 2, 2)]);
        var table = new SequenceTable(Config.WithWindow(4), spec, new PlanEpoch(1), 64);
        var writer = new MicrobatchWriter(spec, seed: 1);
        table.Admit(writer.Next(new PlannedSlice(1, new int[5])));
        var next = writer.Next(new PlannedSlice(1, new int[chunk]));
        var refusal = Record.Exception(() => table.Admit(next)) as StageException;
        Assert.Equal(fits ? null : StageError.BlockOutOfRange, refusal?.Error);
        Assert.Equal(fits ? 5 + chunk : 5, table.Find(new SequenceId(1))!.Length);
    }

    /// <summary>A preempted sequence comes again under its id, in the very step that releases it.</summary>
    [Fact]
    public void Admit_ReleasedSequenceStartsAgain_IsAFreshOne()
    {
        var table = new SequenceTable(Config, Spec, new PlanEpoch(1), MaxBatchTokens);
        var writer = new MicrobatchWriter(Spec, seed: 2);
        table.Admit(writer.Next(new PlannedSlice(1, [1, 2, 3])));
        writer.Release(1);
        var layout = table.Admit(writer.Next(new PlannedSlice(1, [4, 5, 6, 7], PromptLength: 2)));
        Assert.Equal([0, 1, 2, 3], layout.Positions);
        Assert.Equal([4, 5, 6, 7], table.Find(new SequenceId(1))!.Tokens);
        Assert.Equal(2, table.Find(new SequenceId(1))!.Start.PromptLength);
    }

    /// <summary>A ring that comes round to a shared block takes another one in its place.</summary>
    [Fact]
    public void Admit_ReplacedBlock_IsWrittenInsteadOfTheOldOne()
    {
        var table = new SequenceTable(Config, Spec, new PlanEpoch(1), MaxBatchTokens);
        var writer = new MicrobatchWriter(Spec, seed: 2);
        table.Admit(writer.Next(new PlannedSlice(1, new int[6])));
        var next = writer.Next(new PlannedSlice(1, [1]));
        var spare = Enumerable.Range(0, Spec.Groups[1].BlockCount).Except(writer.TableOf(1, 1)).First();
        var layout = table.Admit(next with { Slices = [next.Slices[0] with { BlockUpdates = [.. next.Slices[0].BlockUpdates, new BlockUpdate(1, 1, spare)] }] });
        Assert.Equal([(spare * 4) + 2], layout.Groups[1].Slots);
    }

    [Fact]
    public void Import_SequenceThatIsHere_IsRefused()
    {
        var table = Prepare(out _);
        var state = new SequenceState(new SequenceId(1), new SequenceStart(1, new SamplingParams()), 2);
        Assert.Equal(StageError.DuplicateSequence, Assert.Throws<StageException>(() => table.Import(state)).Error);
    }

    /// <summary>Sequences 1, 2 and 3 run; the good step continues 1, releases 2 and starts 4.</summary>
    private static SequenceTable Prepare(out Microbatch good)
    {
        var table = new SequenceTable(Config, Spec, new PlanEpoch(1), MaxBatchTokens);
        var writer = new MicrobatchWriter(Spec, seed: 1);
        table.Admit(writer.Next(new PlannedSlice(1, [1, 2, 3, 4, 5]), new(2, [6, 7])));
        table.Admit(writer.Next(new PlannedSlice(3, [8, 9, 10])));
        writer.Release(2);
        good = writer.Next(new PlannedSlice(1, [11]), new(3, [12, 13]), new(4, [14, 15, 16, 17, 18]));
        return table;
    }

    private static Microbatch First(Microbatch good, Func<SequenceSlice, SequenceSlice> change) => good with { Slices = [change(good.Slices[0]), .. good.Slices.Skip(1)] };

    private static Microbatch Last(Microbatch good, Func<SequenceSlice, SequenceSlice> change) => good with { Slices = [.. good.Slices.SkipLast(1), change(good.Slices[^1])] };

    /// <summary>Changes the last of the last slice's table updates: all before it are good.</summary>
    private static Microbatch Update(Microbatch good, Func<BlockUpdate, BlockUpdate> change) =>
        Last(good, slice => slice with { BlockUpdates = [.. slice.BlockUpdates.SkipLast(1), change(slice.BlockUpdates[^1])] });

    private static void AssertSame(SequenceTable expected, SequenceTable actual)
    {
        Assert.Equal((expected.Step, expected.Count), (actual.Step, actual.Count));
        for (var id = 1; id <= 4; id++)
        {
            var (one, other) = (expected.Find(new SequenceId(id)), actual.Find(new SequenceId(id)));
            Assert.Equal(one?.Tokens, other?.Tokens);
            Assert.Equal(one?.Tables, other?.Tables);
        }
    }

    private static void AssertSame(StepLayout expected, StepLayout actual)
    {
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal(expected.Positions, actual.Positions);
        Assert.Equal(expected.SegmentOfRow, actual.SegmentOfRow);
        foreach (var (one, other) in expected.Groups.Zip(actual.Groups))
        {
            Assert.Equal(one.Slots, other.Slots);
            Assert.Equal(one.Tables, other.Tables);
            Assert.Equal(one.TableOffsets, other.TableOffsets);
        }
    }
}
