namespace Pipeline.Model.Caching;

/// <summary>A step's block tables in one cache group.</summary>
public sealed class GroupLayout
{
    public required int? Window { get; init; }

    public required int BlockSize { get; init; }

    public required int RingBlocks { get; init; }

    /// <summary>Slot (block * block size + row) that each row's key and value are written to.</summary>
    public required int[] Slots { get; init; }

    /// <summary>Block tables of all segments, one after the other.</summary>
    public required int[] Tables { get; init; }

    /// <summary>Where each segment's table begins in <see cref="Tables"/>.</summary>
    public required int[] TableOffsets { get; init; }

    /// <summary>Slot of a position of a segment.</summary>
    public int SlotOf(int segment, int position) =>
        (Tables[TableOffsets[segment] + (position / BlockSize % RingBlocks)] * BlockSize) + (position % BlockSize);
}
