using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>
/// A stage that keeps real block tables and remembers what lies in every row of every block. It applies a microbatch as the
/// stages do (block updates, then all writes, then attention) and fails when a position that a token may see is not where
/// the tables say.
/// </summary>
internal sealed class ReplayStage(KvCacheSpec spec, bool sharesBlocks = false)
{
    private readonly Dictionary<SequenceId, ReplaySequence> _sequences = [];
    private readonly UInt128?[][] _rows = [.. spec.Groups.Select(group => new UInt128?[group.BlockCount * spec.BlockSize])];
    private PlanEpoch? _epoch;
    private long _lastStep;

    public int SequenceCount => _sequences.Count;

    /// <summary>Queries that saw a position whose row had been written before by an earlier turn of the same ring.</summary>
    public int RingReuses { get; private set; }

    /// <summary>Blocks that were left to others when a ring came round to them.</summary>
    public int Turns { get; private set; }

    public MicrobatchResult Forward(Microbatch microbatch)
    {
        Assert.Equal(_epoch ??= microbatch.Epoch, microbatch.Epoch);
        Assert.Equal(++_lastStep, microbatch.Step);
        foreach (var slice in microbatch.Slices)
        {
            Receive(slice);
        }

        CheckOwnership(microbatch.Released);
        foreach (var slice in microbatch.Slices)
        {
            Write(slice, [.. microbatch.Released, .. microbatch.Slices.Where(other => other.Start is not null).Select(other => other.Sequence)]);
        }

        var results = microbatch.Slices.Select(Attend).ToArray();
        foreach (var id in microbatch.Released)
        {
            Assert.True(_sequences.Remove(id), $"{id} was released, but the stage does not know it");
        }

        return new MicrobatchResult(microbatch.Epoch, microbatch.Step, microbatch.Id, results);
    }

    private void Receive(SequenceSlice slice)
    {
        if (slice.Start is { } start)
        {
            ReplaySequence opened;
            Assert.True(_sequences.TryAdd(slice.Sequence, opened = new ReplaySequence(start, spec)), $"{slice.Sequence} started twice");
            opened.Append(start.CachedPrefix);
        }

        Assert.True(_sequences.TryGetValue(slice.Sequence, out var sequence), $"{slice.Sequence} was never started");
        Assert.Equal(sequence.Tokens.Count, slice.FirstPosition);
        Assert.NotEmpty(slice.Tokens);
        foreach (var (group, index, block) in slice.BlockUpdates)
        {
            Assert.InRange(block, 0, spec.Groups[group].BlockCount - 1);
            Assert.True(sharesBlocks || sequence.Tables[group][index] is null);
            Turns += sequence.Tables[group][index] is null ? 0 : 1;
            sequence.Tables[group][index] = block;
        }

        sequence.Append(slice.Tokens);
    }

    /// <summary>A sequence released by this very step has given its blocks back already.</summary>
    private void CheckOwnership(IReadOnlyList<SequenceId> released)
    {
        for (var group = 0; group < spec.Groups.Count; group++)
        {
            var owned = _sequences.Where(pair => !released.Contains(pair.Key)).SelectMany(pair => pair.Value.Tables[group]).OfType<int>().ToArray();
            Assert.True(sharesBlocks || owned.Length == owned.Distinct().Count());
        }
    }

    private void Write(SequenceSlice slice, IReadOnlyList<SequenceId> bystanders)
    {
        var sequence = _sequences[slice.Sequence];
        for (var row = 0; row < slice.Tokens.Length; row++)
        {
            var position = slice.FirstPosition + row;
            for (var group = 0; group < spec.Groups.Count; group++)
            {
                CheckAlone(group, slice.Sequence, sequence.Tables[group][spec.SlotOf(group, position).RingIndex], bystanders);
                RowOf(group, sequence, position) = sequence.KeyAt(position);
            }
        }
    }

    /// <summary>
    /// Whoever writes into a block is the only one that has it. But a sequence that starts may find, in the same step, what
    /// an earlier slice fills: all rows are written before any of them looks.
    /// </summary>
    private void CheckAlone(int group, SequenceId writer, int? block, IReadOnlyList<SequenceId> bystanders) => Assert.All(
        _sequences.Where(pair => pair.Key != writer && !bystanders.Contains(pair.Key)), pair => Assert.DoesNotContain(block, pair.Value.Tables[group]));

    private SliceResult Attend(SequenceSlice slice)
    {
        var sequence = _sequences[slice.Sequence];
        var end = slice.FirstPosition + slice.Tokens.Length;
        for (var position = slice.FirstPosition; position < end; position++)
        {
            CheckVisible(sequence, position);
        }

        return sequence.Answer(slice);
    }

    private void CheckVisible(ReplaySequence sequence, int query)
    {
        for (var group = 0; group < spec.Groups.Count; group++)
        {
            var window = spec.Groups[group].Window ?? int.MaxValue;
            for (var key = (int)Math.Max(0, query - (long)window + 1); key <= query; key++)
            {
                Assert.Equal(sequence.KeyAt(key), RowOf(group, sequence, key));
                RingReuses += key >= spec.Groups[group].RingBlocks * spec.BlockSize ? 1 : 0;
            }
        }
    }

    private ref UInt128? RowOf(int group, ReplaySequence sequence, int position)
    {
        var (entry, row) = spec.SlotOf(group, position);
        var block = sequence.Tables[group][entry];
        Assert.True(block is not null, $"position {position} has no block in group {group}");
        return ref _rows[group][(block.Value * spec.BlockSize) + row];
    }
}
