namespace Pipeline.Model.Checkpoints;

/// <summary>
/// Query and key rows of one head come in two orders. Mistral's files interleave: rows 2i and 2i+1 rotate together. Here, as
/// with Hugging Face, halves rotate: rows i and i + headDim/2.
/// </summary>
internal static class RotaryRowOrder
{
    /// <summary>Where a row of the halves order lies in the interleaved order. Heads stay where they are.</summary>
    public static long InterleavedRowOf(long row, int headDim)
    {
        var (head, inHead) = Math.DivRem(row, headDim);
        var half = headDim / 2;
        return (head * headDim) + (inHead < half ? 2 * inHead : (2 * (inHead - half)) + 1);
    }
}
