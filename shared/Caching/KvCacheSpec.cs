using Pipeline.Shared.Models;

namespace Pipeline.Shared.Caching;

/// <summary>
/// The agreement on the paged rolling cache between coordinator (which hands out blocks) and stages (which own the memory).
/// </summary>
public sealed record KvCacheSpec(int BlockSize, IReadOnlyList<KvCacheGroup> Groups)
{
    /// <summary>
    /// Table length of a sequence. A step writes its chunk first and attends afterwards, so the ring must still hold the
    /// window of the chunk's first token when its last token is written: at least window + chunk - 1 positions.
    /// </summary>
    public static int RingBlocksFor(int? window, int blockSize, int maxChunk, int maxModelLength)
    {
        var whole = (int)CeilDivide(maxModelLength, blockSize);
        return window is { } w ? (int)Math.Min(CeilDivide((long)w + maxChunk, blockSize), whole) : whole;
    }

    /// <summary>Block of the ring, and the row inside it, where a position lives.</summary>
    public (int RingIndex, int Row) SlotOf(int group, int position) =>
        (position / BlockSize % Groups[group].RingBlocks, position % BlockSize);

    /// <summary>Blocks that a sequence of <paramref name="length"/> tokens occupies in a group.</summary>
    public int BlocksFor(int group, int length) => (int)Math.Min(CeilDivide(length, BlockSize), Groups[group].RingBlocks);

    /// <summary>Bytes of one block (keys and values) over the layers of a shard that belong to the group.</summary>
    public static long BlockBytes(ModelConfig config, int blockSize, int layersOfGroup, ElementType elementType) =>
        2L * blockSize * config.KvHeadCount * config.HeadDim * elementType.ByteSize() * layersOfGroup;

    private static long CeilDivide(long value, int divisor) => (value + divisor - 1) / divisor;
}
