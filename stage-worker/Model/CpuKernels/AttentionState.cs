namespace Pipeline.Model.CpuKernels;

/// <summary>Running softmax of the queries of one row tile and one key/value head, and where the current key tile lies.</summary>
internal unsafe readonly struct AttentionState
{
    /// <param name="memory">Room for <c>count * (2 * headDim + KeyTile + 2)</c> floats.</param>
    public AttentionState(float* memory, int count, int headDim)
    {
        Count = count;
        HeadDim = headDim;
        Queries = memory;
        Outputs = Queries + (count * headDim);
        Scores = Outputs + (count * headDim);
        Maxima = Scores + (count * AttentionKernel.KeyTile);
        Denominators = Maxima + count;
    }

    public int Count { get; }

    public int HeadDim { get; }

    public float* Queries { get; }                  // [queries, headDim], scaled

    public float* Outputs { get; }                  // [queries, headDim], not yet divided

    public float* Scores { get; }                   // [queries, KeyTile], later the weights

    public float* Maxima { get; }                   // [queries]

    public float* Denominators { get; }             // [queries]

    public required float* Keys { get; init; }      // of slot 0 and this key/value head

    public required float* Values { get; init; }

    public required nint* Offsets { get; init; }    // [KeyTile] from slot 0 to each key of the tile; those of the next tile follow

    public nint* NextOffsets => Offsets + AttentionKernel.KeyTile;
}
