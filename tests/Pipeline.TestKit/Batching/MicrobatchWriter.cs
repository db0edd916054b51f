using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.TestKit.Batching;

/// <summary>
/// Writes correct microbatches by hand, without the product's scheduler: counts steps and positions and deals out cache blocks
/// in a shuffled order, so that no block lies where a lucky guess would look for it.
/// </summary>
public sealed class MicrobatchWriter
{
    private readonly KvCacheSpec _spec;
    private readonly PlanEpoch _epoch;
    private readonly List<int>[] _free;
    private readonly Dictionary<long, int> _lengths = [];
    private readonly Dictionary<long, List<int>[]> _tables = [];
    private readonly List<SequenceId> _released = [];

    public MicrobatchWriter(KvCacheSpec spec, int seed, long epoch = 1)
    {
        _spec = spec;
        _epoch = new PlanEpoch(epoch);
        var random = new Random(seed);
        _free = [.. spec.Groups.Select(group => Shuffle(random, group.BlockCount))];
    }

    /// <summary>Steps written so far.</summary>
    public long Step { get; private set; }

    public int LengthOf(long sequence) => _lengths[sequence];

    /// <summary>Blocks of a sequence in a cache group, in ring order.</summary>
    public IReadOnlyList<int> TableOf(long sequence, int group) => _tables[sequence][group];

    public Microbatch Next(params IReadOnlyList<PlannedSlice> slices)
    {
        Microbatch microbatch = new()
        {
            Epoch = _epoch,
            Step = ++Step,
            Id = new MicrobatchId((int)(Step % 3)),
            Slices = [.. slices.Select(Write)],
            Released = [.. _released],
        };
        _released.Clear();
        return microbatch;
    }

    /// <summary>Gives a sequence's blocks back; the next step tells the stages.</summary>
    public void Release(long sequence)
    {
        for (var group = 0; group < _free.Length; group++)
        {
            _free[group].AddRange(_tables[sequence][group]);
        }

        _tables.Remove(sequence);
        _lengths.Remove(sequence);
        _released.Add(new SequenceId(sequence));
    }

    /// <summary>A sequence that comes from elsewhere: it has its blocks here from the start. Returns the table changes that say so.</summary>
    public IReadOnlyList<BlockUpdate> Adopt(long sequence, int length)
    {
        Open(sequence);
        _lengths[sequence] = length;
        return Extend(sequence, length);
    }

    private SequenceSlice Write(PlannedSlice planned)
    {
        var isFirst = !_lengths.ContainsKey(planned.Sequence);
        if (isFirst)
        {
            Open(planned.Sequence);
        }

        var first = _lengths[planned.Sequence];
        _lengths[planned.Sequence] += planned.Tokens.Length;
        return new SequenceSlice
        {
            Sequence = new SequenceId(planned.Sequence),
            FirstPosition = first,
            Tokens = planned.Tokens,
            BlockUpdates = Extend(planned.Sequence, _lengths[planned.Sequence]),
            Logits = planned.Logits,
            NextToken = planned.NextToken,
            Start = isFirst ? new SequenceStart(planned.PromptLength ?? planned.Tokens.Length, planned.Sampling ?? new SamplingParams { Temperature = 0 }) : null,
        };
    }

    private void Open(long sequence)
    {
        _lengths[sequence] = 0;
        _tables[sequence] = [.. _free.Select(_ => new List<int>())];
    }

    private List<BlockUpdate> Extend(long sequence, int length)
    {
        var updates = new List<BlockUpdate>();
        for (var group = 0; group < _free.Length; group++)
        {
            var table = _tables[sequence][group];
            while (table.Count < Math.Min((length + _spec.BlockSize - 1) / _spec.BlockSize, _spec.Groups[group].RingBlocks))
            {
                updates.Add(new BlockUpdate(group, table.Count, _free[group][0]));
                table.Add(_free[group][0]);
                _free[group].RemoveAt(0);
            }
        }

        return updates;
    }

    private static List<int> Shuffle(Random random, int count)
    {
        var blocks = Enumerable.Range(0, count).ToArray();
        random.Shuffle(blocks);
        return [.. blocks];
    }
}
