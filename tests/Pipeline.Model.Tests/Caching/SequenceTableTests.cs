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
        ["an earlier epoch"] = (StageError.WrongEpoch, good => good with { Epoch = new PlanEpoch(0) }),
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
        ["a cached prefix that ends elsewhere"] = (StageError.PositionMismatch, good => Last(good, slice => slice with { Start = slice.Start! with { CachedPrefix = [1, 2] } })),
        ["a cached token too large"] = (StageError.TokenOutOfVocabulary, good => Last(good, slice => Cached(slice, [97]))),
        ["a negative cached token"] = (StageError.TokenOutOfVocabulary, good => Last(good, slice => Cached(slice, [-1]))),
        ["a cached prefix without its blocks"] = (StageError.BlockOutOfRange, good => Last(good, slice => Cached(slice, [1, 2, 3, 4]))),
        ["a block taken away in the middle"] = (StageError.BlockOutOfRange, good => First(good, slice => slice with { BlockUpdates = [.. slice.BlockUpdates, new BlockUpdate(1, 1, 0)] })),
        ["a block taken away under full attention"] = (StageError.BlockOutOfRange, good => First(good, slice => slice with { BlockUpdates = [.. slice.BlockUpdates, new BlockUpdate(0, 0, 0)] })),
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
        table.Admit(writer.Next(new PlannedSlice(1, new int[12])));
        table.Admit(writer.Next(new PlannedSlice(1, new int[4])));
        var next = writer.Next(new PlannedSlice(1, [1, 2, 3]));
        var spare = Enumerable.Range(0, Spec.Groups[1].BlockCount).Except(writer.TableOf(1, 1)).First();
        var layout = table.Admit(Replace(next, 0, spare));
        Assert.Equal([spare * 4, (spare * 4) + 1, (spare * 4) + 2], layout.Groups[1].Slots);
    }

    /// <summary>Ring of 8 in blocks of 4: its first block may go when position 8 is written, unless position 8 still sees some of it.</summary>
    [Theory]
    [InlineData(4, 8, 1, true)] // sees 5..8
    [InlineData(5, 8, 1, true)] // sees 4..8
    [InlineData(6, 8, 1, false)] // sees 3..8
    [InlineData(4, 7, 2, true)] // 7 sees 4..7
    [InlineData(5, 7, 2, false)] // 7 sees 3..7
    [InlineData(4, 9, 1, false)] // the new block was begun with position 8
    [InlineData(4, 6, 2, false)] // position 8 is not in this step
    public void Admit_ReplacedBlock_MustBeDoneWith(int window, int length, int chunk, bool isDone)
    {
        var spec = new KvCacheSpec(4, [new KvCacheGroup(window, 2, 4)]);
        var table = new SequenceTable(Config.WithWindow(window), spec, new PlanEpoch(1), 64);
        var writer = new MicrobatchWriter(spec, seed: 1);
        for (var position = 0; position < length; position++)
        {
            table.Admit(writer.Next(new PlannedSlice(1, [1])));
        }

        var spare = Enumerable.Range(0, 4).Except(writer.TableOf(1, 0)).First();
        var next = writer.Next(new PlannedSlice(1, new int[chunk]));
        var refusal = Record.Exception(() => table.Admit(Replace(next, 0, spare, group: 0))) as StageException;
        Assert.Equal(isDone ? null : StageError.BlockOutOfRange, refusal?.Error);
    }

    /// <summary>It goes on behind tokens that it never brought, in blocks that others have written.</summary>
    [Fact]
    public void Admit_StartWithACachedPrefix_ContinuesBehindIt()
    {
        var table = Prepare(out var good);
        var layout = table.Admit(Last(good, slice => Cached(slice, [21, 22, 23])));
        var state = table.Find(new SequenceId(4))!;
        Assert.Equal([21, 22, 23, 14, 15, 16, 17, 18], state.Tokens);
        Assert.Empty(state.Start.CachedPrefix);
        Assert.Equal([false, false, true], layout.Segments.Select(segment => segment.BeginsAfterPrefix));
        Assert.Equal([3, 4, 5, 6, 7], layout.Positions[^5..]);
        var blocks = state.Tables[0];
        Assert.Equal([(blocks[0] * 4) + 3, blocks[1] * 4, (blocks[1] * 4) + 1, (blocks[1] * 4) + 2, (blocks[1] * 4) + 3], layout.Groups[0].Slots[^5..]);
    }

    /// <summary>What comes from elsewhere comes whole.</summary>
    [Fact]
    public void Prepare_SequenceWithACachedPrefix_IsRefused()
    {
        var table = new SequenceTable(Config, Spec, new PlanEpoch(1), MaxBatchTokens);
        var slice = new MicrobatchWriter(Spec, seed: 1).Next(new PlannedSlice(1, [1, 2, 3])).Slices[0];
        var failure = Assert.Throws<StageException>(() => table.Prepare(slice with { Start = slice.Start! with { CachedPrefix = [4] } }));
        Assert.Equal(StageError.PositionMismatch, failure.Error);
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

    private static Microbatch Replace(Microbatch next, int entry, int block, int group = 1) =>
        next with { Slices = [next.Slices[0] with { BlockUpdates = [.. next.Slices[0].BlockUpdates, new BlockUpdate(group, entry, block)] }] };

    private static SequenceSlice Cached(SequenceSlice slice, int[] prefix) =>
        slice with { FirstPosition = prefix.Length, Start = slice.Start! with { CachedPrefix = prefix } };

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
