namespace Pipeline.Model.CpuKernels;

/// <summary>One layer's cache: keys and values, each contiguous [blocks, blockSize, kvHeads, headDim]. Slot = block * blockSize + row.</summary>
public unsafe readonly struct KvCacheView
{
    public required float* Keys { get; init; }

    public required float* Values { get; init; }

    /// <summary>Positions to a block.</summary>
    public required int BlockSize { get; init; }

    public required int KvHeads { get; init; }

    public required int HeadDim { get; init; }

    /// <summary>Floats from one slot to the next.</summary>
    internal nint SlotStride => (nint)KvHeads * HeadDim;
}
