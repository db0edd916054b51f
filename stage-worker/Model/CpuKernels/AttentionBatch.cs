namespace Pipeline.Model.CpuKernels;

/// <summary>
/// A packed set of query rows of any sequences and the cache they look at. Row r of sequence s at position p sees the keys of
/// s with 0 &lt;= p - k &lt; window; position k lies in entry (k / blockSize) mod ringBlocks of the block table of s, row k mod blockSize.
/// </summary>
public unsafe readonly struct AttentionBatch
{
    /// <summary>[rows, heads, headDim], rotated.</summary>
    public required float* Queries { get; init; }

    /// <summary>[rows, heads, headDim]</summary>
    public required float* Output { get; init; }

    public required int Rows { get; init; }

    /// <summary>Query heads; head j reads key/value head j / (heads / kvHeads).</summary>
    public required int Heads { get; init; }

    /// <summary>[rows] index into <see cref="TableOffsets"/>. Rows of one sequence with consecutive positions are fastest side by side.</summary>
    public required int* Sequences { get; init; }

    /// <summary>[rows] absolute positions.</summary>
    public required int* Positions { get; init; }

    /// <summary>Block numbers of all sequences.</summary>
    public required int* BlockTables { get; init; }

    /// <summary>[sequences] where a sequence's table starts in <see cref="BlockTables"/>.</summary>
    public required int* TableOffsets { get; init; }

    /// <summary>Blocks of a ring; any number beyond the longest table where tables only grow.</summary>
    public required int RingBlocks { get; init; }

    /// <summary>Positions that a row sees, its own included; 0 means all.</summary>
    public required int Window { get; init; }

    public required KvCacheView Cache { get; init; }

    /// <summary>Query heads that share a key/value head.</summary>
    internal int GroupSize => Heads / Cache.KvHeads;

    /// <summary>First position that a row at <paramref name="position"/> sees.</summary>
    internal int FirstVisible(int position) => Window == 0 ? 0 : Math.Max(0, position - Window + 1);
}
