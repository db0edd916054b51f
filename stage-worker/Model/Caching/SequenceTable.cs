using System.Runtime.InteropServices;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Model.Caching;

/// <summary>
/// All sequences of a stage, and the fence in front of them. <see cref="Admit"/> checks a microbatch completely before it
/// changes anything: a refused one leaves every sequence as it was.
/// </summary>
public sealed class SequenceTable(ModelConfig config, KvCacheSpec spec, PlanEpoch epoch, int maxBatchTokens)
{
    private readonly Dictionary<SequenceId, SequenceState> _sequences = [];

    public PlanEpoch Epoch => epoch;

    /// <summary>Steps taken in this epoch.</summary>
    public long Step { get; private set; }

    public int Count => _sequences.Count;

    public SequenceState? Find(SequenceId id) => _sequences.GetValueOrDefault(id);

    /// <summary>Takes a microbatch: forgets what it releases, opens its new sequences, applies table changes, appends tokens, and lays out the step.</summary>
    public StepLayout Admit(Microbatch microbatch)
    {
        Check(microbatch);
        Step = microbatch.Step;
        foreach (var id in microbatch.Released)
        {
            _sequences.Remove(id);
        }

        var segments = new List<StepSegment>(microbatch.Slices.Count);
        var row = 0;
        foreach (var slice in microbatch.Slices)
        {
            segments.Add(new StepSegment(Advance(slice), row, slice.Tokens.Length, slice.FirstPosition) { BeginsAfterPrefix = slice.Start is { CachedPrefix.Length: > 0 } });
            row += slice.Tokens.Length;
        }

        return LayOut(microbatch, segments, row);
    }

    /// <summary>
    /// Checks a sequence that comes from elsewhere, told as one slice of all its tokens, like any other slice; registers nothing.
    /// </summary>
    public SequenceState Prepare(SequenceSlice whole)
    {
        if (whole.Start is null)
        {
            throw new StageException(StageError.Malformed, $"{whole.Sequence} comes without its start");
        }

        CheckSlice(whole, []);
        for (var group = 0; group < spec.Groups.Count; group++)
        {
            // The next token must still find everything that it sees.
            CheckRing(whole.Sequence, group, whole.Tokens.Length, whole.Tokens.Length - 1);
        }

        var state = new SequenceState(whole.Sequence, whole.Start, spec.Groups.Count);
        ApplyUpdates(state, whole.BlockUpdates);
        state.Tokens.AddRange(whole.Tokens);
        return state;
    }

    /// <summary>Puts an imported sequence in place.</summary>
    public void Import(SequenceState state)
    {
        if (!_sequences.TryAdd(state.Id, state))
        {
            throw new StageException(StageError.DuplicateSequence, $"{state.Id} is already here");
        }
    }

    private SequenceState Advance(SequenceSlice slice)
    {
        if (slice.Start is { } start)
        {
            _sequences[slice.Sequence] = Open(slice.Sequence, start);
        }

        var sequence = _sequences[slice.Sequence];
        ApplyUpdates(sequence, slice.BlockUpdates);
        sequence.Tokens.AddRange(slice.Tokens);
        return sequence;
    }

    /// <summary>The tokens of a cached prefix count as seen, and from here on nothing tells them from others.</summary>
    private SequenceState Open(SequenceId id, SequenceStart start)
    {
        var state = new SequenceState(id, start with { CachedPrefix = [] }, spec.Groups.Count);
        state.Tokens.AddRange(start.CachedPrefix);
        return state;
    }

    private static void ApplyUpdates(SequenceState sequence, IReadOnlyList<BlockUpdate> updates)
    {
        foreach (var update in updates)
        {
            var table = sequence.Tables[update.Group];
            if (update.Index == table.Count)
            {
                table.Add(update.Block);
            }
            else
            {
                table[update.Index] = update.Block;
            }
        }
    }

    private StepLayout LayOut(Microbatch microbatch, List<StepSegment> segments, int rows)
    {
        var tokens = new int[rows];
        var positions = new int[rows];
        var segmentOfRow = new int[rows];
        for (var s = 0; s < segments.Count; s++)
        {
            var segment = segments[s];
            microbatch.Slices[s].Tokens.CopyTo(tokens.AsSpan(segment.FirstRow));
            segmentOfRow.AsSpan(segment.FirstRow, segment.RowCount).Fill(s);
            for (var i = 0; i < segment.RowCount; i++)
            {
                positions[segment.FirstRow + i] = segment.FirstPosition + i;
            }
        }

        return new StepLayout
        {
            Microbatch = microbatch,
            Segments = segments,
            Tokens = tokens,
            Positions = positions,
            SegmentOfRow = segmentOfRow,
            Groups = [.. Enumerable.Range(0, spec.Groups.Count).Select(group => LayOutGroup(group, segments, positions, segmentOfRow))],
        };
    }

    private GroupLayout LayOutGroup(int group, List<StepSegment> segments, int[] positions, int[] segmentOfRow)
    {
        var offsets = new int[segments.Count];
        var tables = new List<int>();
        for (var s = 0; s < segments.Count; s++)
        {
            offsets[s] = tables.Count;
            tables.AddRange(CollectionsMarshal.AsSpan(segments[s].Sequence.Tables[group]));
        }

        var layout = new GroupLayout
        {
            Window = spec.Groups[group].Window,
            BlockSize = spec.BlockSize,
            RingBlocks = spec.Groups[group].RingBlocks,
            Slots = new int[positions.Length],
            Tables = [.. tables],
            TableOffsets = offsets,
        };
        for (var row = 0; row < positions.Length; row++)
        {
            layout.Slots[row] = layout.SlotOf(segmentOfRow[row], positions[row]);
        }

        return layout;
    }

    private void Check(Microbatch microbatch)
    {
        if (microbatch.Epoch != epoch)
        {
            throw new StageException(StageError.WrongEpoch, $"the step is of {microbatch.Epoch}, this stage is in {epoch}");
        }

        if (microbatch.Step != Step + 1)
        {
            throw new StageException(StageError.OutOfOrder, $"got step {microbatch.Step} after step {Step}, expected step {Step + 1}");
        }

        if (microbatch.TokenCount > maxBatchTokens)
        {
            throw new StageException(StageError.BatchTooLarge, $"step {microbatch.Step} has {microbatch.TokenCount} tokens, this stage was started for at most {maxBatchTokens}");
        }

        var seen = new HashSet<SequenceId>(microbatch.Slices.Count);
        foreach (var slice in microbatch.Slices)
        {
            if (!seen.Add(slice.Sequence))
            {
                throw new StageException(StageError.DuplicateSequence, $"step {microbatch.Step} has two slices of {slice.Sequence}");
            }

            CheckSlice(slice, microbatch.Released);
            for (var group = 0; group < spec.Groups.Count; group++)
            {
                // Writing comes before attending: the last row must not land on a key that the first row still sees.
                CheckRing(slice.Sequence, group, slice.FirstPosition, slice.FirstPosition + slice.Tokens.Length - 1);
            }
        }
    }

    private void CheckSlice(SequenceSlice slice, IReadOnlyList<SequenceId> released)
    {
        if (slice.Tokens.Length == 0)
        {
            throw new StageException(StageError.WrongShape, $"{slice.Sequence} has a slice without tokens");
        }

        if (slice.Start is { PromptLength: < 0 } start)
        {
            throw new StageException(StageError.Malformed, $"{slice.Sequence} starts with a prompt of {start.PromptLength} tokens");
        }

        var length = LengthBefore(slice, released);
        if (slice.FirstPosition != length)
        {
            throw new StageException(StageError.PositionMismatch, $"{slice.Sequence} continues at position {slice.FirstPosition}, this stage has seen {length} tokens of it");
        }

        foreach (var token in slice.Tokens)
        {
            CheckToken(slice.Sequence, token);
        }

        foreach (var token in slice.Start?.CachedPrefix ?? [])
        {
            CheckToken(slice.Sequence, token);
        }

        if (slice.NextToken is { } next)
        {
            CheckToken(slice.Sequence, next);
        }

        CheckTables(slice);
    }

    private int LengthBefore(SequenceSlice slice, IReadOnlyList<SequenceId> released)
    {
        var known = released.Contains(slice.Sequence) ? null : Find(slice.Sequence);
        if (slice.Start is { } start)
        {
            return known is null ? start.CachedPrefix.Length : throw new StageException(StageError.DuplicateSequence, $"{slice.Sequence} starts, but it is already here with {known.Length} tokens");
        }

        return known?.Length
            ?? throw new StageException(StageError.UnknownSequence, $"{slice.Sequence} continues at position {slice.FirstPosition}, but never started on this stage");
    }

    private void CheckToken(SequenceId sequence, int token)
    {
        if ((uint)token >= (uint)config.VocabularySize)
        {
            throw new StageException(StageError.TokenOutOfVocabulary, $"{sequence} has token id {token}, the vocabulary ends at {config.VocabularySize - 1}");
        }
    }

    private void CheckTables(SequenceSlice slice)
    {
        var known = slice.Start is null ? Find(slice.Sequence)!.Tables : null;
        Span<int> lengths = stackalloc int[spec.Groups.Count];
        for (var group = 0; group < lengths.Length; group++)
        {
            lengths[group] = known?[group].Count ?? 0;
        }

        foreach (var update in slice.BlockUpdates)
        {
            CheckUpdate(slice, update, lengths);
        }

        for (var group = 0; group < lengths.Length; group++)
        {
            var needed = spec.BlocksFor(group, slice.FirstPosition + slice.Tokens.Length);
            if (lengths[group] < needed)
            {
                throw new StageException(StageError.BlockOutOfRange, $"{slice.Sequence} needs {needed} blocks of cache group {group} for this step, its table has {lengths[group]}");
            }
        }
    }

    /// <summary>A ring must hold what the query at one position sees and everything up to the last position written.</summary>
    private void CheckRing(SequenceId sequence, int group, int query, int last)
    {
        var held = (long)spec.Groups[group].RingBlocks * spec.BlockSize;
        var first = AttentionWindow.FirstVisible(query, spec.Groups[group].Window);
        if (last - first + 1 > held)
        {
            throw new StageException(
                StageError.BlockOutOfRange, $"{sequence} needs positions {first}..{last} at once, its ring in cache group {group} holds {held}");
        }
    }

    private void CheckUpdate(SequenceSlice slice, BlockUpdate update, Span<int> lengths)
    {
        var valid = (uint)update.Group < (uint)lengths.Length
            && (uint)update.Block < (uint)spec.Groups[update.Group].BlockCount
            && (uint)update.Index < (uint)spec.Groups[update.Group].RingBlocks
            && update.Index <= lengths[update.Group];
        if (!valid)
        {
            throw new StageException(StageError.BlockOutOfRange, $"{slice.Sequence}: {update} does not fit the cache of this stage");
        }

        if (update.Index == lengths[update.Group])
        {
            lengths[update.Group]++;
        }
        else if (!IsTurn(slice, update))
        {
            throw new StageException(
                StageError.BlockOutOfRange, $"{slice.Sequence}: {update} takes away a block that is not done with at position {slice.FirstPosition}");
        }
    }

    /// <summary>
    /// A block of the table may be replaced when the ring comes round to it: the slice begins the block that takes its place,
    /// and does not see the old one any more.
    /// </summary>
    private bool IsTurn(SequenceSlice slice, BlockUpdate update)
    {
        var (window, ring, _) = spec.Groups[update.Group];
        var begun = (slice.FirstPosition + spec.BlockSize - 1) / spec.BlockSize;
        // The first block from there on that lives in this entry.
        var block = begun + ((((update.Index - begun) % ring) + ring) % ring);
        return block >= ring
            && (long)block * spec.BlockSize < slice.FirstPosition + slice.Tokens.Length
            && (long)(block - ring + 1) * spec.BlockSize <= AttentionWindow.FirstVisible(slice.FirstPosition, window);
    }
}
