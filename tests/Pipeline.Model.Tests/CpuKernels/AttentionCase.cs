using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

/// <summary>
/// Sequences with their keys and values by position, laid into a paged ring cache on demand: only what some query row may
/// see is written, everything else stays NaN.
/// </summary>
internal sealed unsafe class AttentionCase
{
    public required int Heads { get; init; }

    public required int KvHeads { get; init; }

    public required int HeadDim { get; init; }

    public required int BlockSize { get; init; }

    /// <summary>0: none.</summary>
    public required int Window { get; init; }

    /// <summary>For each sequence the positions that are queried: first (inclusive) and end.</summary>
    public required IReadOnlyList<(int First, int End)> Sequences { get; init; }

    private Dictionary<(int Sequence, int Position, char Kind), float[]> Vectors { get; init; } = [];

    private int LongestVisible => Window == 0 ? Sequences.Max(s => s.End) : Window + Sequences.Max(s => s.End - s.First) - 1;

    private int RingBlocks => ((LongestVisible - 1) / BlockSize) + 1;

    public static AttentionCase Random(Random random)
    {
        var kvHeads = random.Pick(1, 2, 3);
        var sequences = Enumerable.Range(0, random.Next(1, 5)).Select(_ =>
        {
            var first = random.Pick(0, 0, random.Next(100));
            return (first, first + random.Pick(1, 1, random.Next(1, 45)));
        });
        return new AttentionCase
        {
            KvHeads = kvHeads,
            Heads = kvHeads * random.Pick(1, 2, 3, 4, 5, 8),
            HeadDim = random.Pick(16, 32, 48, 64, 128),
            BlockSize = random.Pick(1, 3, 8, 16, 32),
            Window = random.Pick(0, 0, 1, random.Next(2, 64)),
            Sequences = [.. sequences],
        };
    }

    /// <summary>The same sequences, keys and values, cached and queried differently.</summary>
    public AttentionCase With(int? blockSize = null, IReadOnlyList<(int First, int End)>? sequences = null) => new()
    {
        Heads = Heads,
        KvHeads = KvHeads,
        HeadDim = HeadDim,
        BlockSize = blockSize ?? BlockSize,
        Window = Window,
        Sequences = sequences ?? Sequences,
        Vectors = Vectors,
    };

    /// <summary>All query rows, in the given order of (sequence, position): [rows, heads, headDim].</summary>
    public float[] Run(KernelThreads threads, IReadOnlyList<(int Sequence, int Position)>? order = null)
    {
        using var memory = new GuardedMemory();
        var rows = order ?? Rows();
        var (tables, cache) = BuildCache(memory);
        var output = memory.Poisoned(rows.Count * Heads * HeadDim);
        var batch = new AttentionBatch
        {
            Queries = memory.Floats([.. rows.SelectMany(row => Vector(row.Sequence, row.Position, 'q', Heads))]),
            Output = output,
            Rows = rows.Count,
            Heads = Heads,
            Sequences = memory.Ints([.. rows.Select(row => row.Sequence)]),
            Positions = memory.Ints([.. rows.Select(row => row.Position)]),
            BlockTables = memory.Ints(tables),
            TableOffsets = memory.Ints([.. Sequences.Select((_, s) => s * RingBlocks)]),
            RingBlocks = RingBlocks,
            Window = Window,
            Cache = cache,
        };
        PagedAttention.Attend(batch, threads);
        return GuardedMemory.Read(output, rows.Count * Heads * HeadDim);
    }

    /// <summary>Plain softmax attention in double precision.</summary>
    public double[] Reference() =>
        [.. from row in Rows() from head in Enumerable.Range(0, Heads) from value in ReferenceHead(row.Sequence, row.Position, head) select value];

    public List<(int Sequence, int Position)> Rows() =>
        [.. Sequences.SelectMany((s, i) => Enumerable.Range(s.First, s.End - s.First).Select(position => (i, position)))];

    public override string ToString() =>
        $"{Heads}/{KvHeads} heads of {HeadDim}, blocks of {BlockSize}, ring {RingBlocks}, window {Window}, {string.Join(' ', Sequences)}";

    private double[] ReferenceHead(int sequence, int position, int head)
    {
        var kvOffset = head / (Heads / KvHeads) * HeadDim;
        var query = Vector(sequence, position, 'q', Heads).AsSpan(head * HeadDim, HeadDim);
        var first = Window == 0 ? 0 : Math.Max(0, position - Window + 1);
        var weights = new double[position + 1 - first];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = Dot(query, Vector(sequence, first + i, 'k', KvHeads).AsSpan(kvOffset, HeadDim)) / Math.Sqrt(HeadDim);
        }

        var largest = weights.Max();
        weights = [.. weights.Select(score => Math.Exp(score - largest))];
        var sum = weights.Sum();
        var output = new double[HeadDim];
        for (var i = 0; i < weights.Length; i++)
        {
            var value = Vector(sequence, first + i, 'v', KvHeads).AsSpan(kvOffset, HeadDim);
            for (var d = 0; d < HeadDim; d++)
            {
                output[d] += weights[i] / sum * value[d];
            }
        }

        return output;
    }

    private static double Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        var sum = 0.0;
        for (var i = 0; i < left.Length; i++)
        {
            sum += (double)left[i] * right[i];
        }

        return sum;
    }

    /// <summary>A vector is a function of its place, so that any cut of the same sequences finds the same one.</summary>
    private float[] Vector(int sequence, int position, char kind, int heads)
    {
        if (!Vectors.TryGetValue((sequence, position, kind), out var vector))
        {
            vector = new Random((((sequence * 4001) + position) * 7) + kind).Normal(heads * HeadDim, 1.5f);
            Vectors[(sequence, position, kind)] = vector;
        }

        return vector;
    }

    private (int[] Tables, KvCacheView Cache) BuildCache(GuardedMemory memory)
    {
        var blocks = (Sequences.Count * RingBlocks) + 3;
        var tables = Enumerable.Range(0, blocks).ToArray();
        new Random(blocks).Shuffle(tables);
        var size = blocks * BlockSize * KvHeads * HeadDim;
        var cache = new KvCacheView
        {
            Keys = memory.Poisoned(size),
            Values = memory.Poisoned(size),
            BlockSize = BlockSize,
            KvHeads = KvHeads,
            HeadDim = HeadDim,
        };
        for (var s = 0; s < Sequences.Count; s++)
        {
            var oldest = Window == 0 ? 0 : Math.Max(0, Sequences[s].First - Window + 1);
            for (var position = oldest; position < Sequences[s].End; position++)
            {
                var block = tables[(s * RingBlocks) + (position / BlockSize % RingBlocks)];
                var offset = ((block * BlockSize) + (position % BlockSize)) * KvHeads * HeadDim;
                Vector(s, position, 'k', KvHeads).CopyTo(new Span<float>(cache.Keys + offset, KvHeads * HeadDim));
                Vector(s, position, 'v', KvHeads).CopyTo(new Span<float>(cache.Values + offset, KvHeads * HeadDim));
            }
        }

        return (tables, cache);
    }
}
