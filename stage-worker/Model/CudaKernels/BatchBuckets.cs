namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Batch sizes for which decode steps are recorded as graphs. A batch in between is padded to the next: dense where a row costs
/// most, never more than a quarter beyond the batch.
/// </summary>
public static class BatchBuckets
{
    private static readonly int[] Sizes = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64];

    public static int Largest => Sizes[^1];

    /// <summary>The smallest that holds the rows; null when none does.</summary>
    public static int? For(int rows) => rows < 1 || rows > Largest ? null : Sizes.First(size => size >= rows);
}
