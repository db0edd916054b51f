using Pipeline.Model.CudaKernels;

namespace Pipeline.Model.Tests.CudaKernels;

public class BatchBucketsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(9, 10)]
    [InlineData(33, 40)]
    [InlineData(64, 64)]
    public void For_Rows_IsTheSmallestThatHoldsThem(int rows, int expected) => Assert.Equal(expected, BatchBuckets.For(rows));

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void For_NoneOrTooMany_IsNone(int rows) => Assert.Null(BatchBuckets.For(rows));

    [Fact]
    public void For_AnyBatch_PadsByAQuarterAtMost() =>
        Assert.All(Enumerable.Range(1, BatchBuckets.Largest), rows => Assert.InRange(BatchBuckets.For(rows)!.Value, rows, Math.Max(rows * 1.25, rows)));
}
