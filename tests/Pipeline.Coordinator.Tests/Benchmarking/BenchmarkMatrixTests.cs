using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class BenchmarkMatrixTests
{
    private static readonly BenchmarkMatrix Matrix = new([512], [128], [0, 1024], [1, 16], Weak: true);

    [Fact]
    public void TestsFor_OneStage_HasNoWeakTests() => Assert.Equal(
        ["pp512", "pp512 x16", "tg128", "tg128 x16", "tg128@1024", "tg128@1024 x16"], Matrix.TestsFor(1).Select(test => test.Name));

    [Fact]
    public void TestsFor_FourStages_GrowsTheWeakBatchWithTheStages()
    {
        var weak = Matrix.TestsFor(4).Where(test => test.Scaling == BatchScaling.Weak).ToList();
        Assert.Equal(["pp512 x1/stage", "pp512 x16/stage", "tg128 x1/stage", "tg128 x16/stage", "tg128@1024 x1/stage", "tg128@1024 x16/stage"], weak.Select(test => test.Name));
        Assert.Equal([4, 64, 4, 64, 4, 64], weak.Select(test => test.Batch));
    }

    [Fact]
    public void TestsFor_ZeroTokens_LeavesTheKindOut() =>
        Assert.Equal(["tg8"], (Matrix with { PromptTokens = [0], GeneratedTokens = [8], Depths = [0], Batches = [1] }).TestsFor(1).Select(test => test.Name));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1024, 1024)]
    public void PromptLength_Decode_IsTheDepthButNeverEmpty(int depth, int expected) =>
        Assert.Equal(expected, new BenchmarkTest(TestKind.Decode, 8, depth, 1, BatchScaling.Strong, 1).PromptLength);

    [Fact]
    public void WantedTokens_Decode_OutlastsThePromptsOfTheOthers()
    {
        var test = new BenchmarkTest(TestKind.Decode, 8, 1024, 16, BatchScaling.Strong, 16);
        Assert.Equal(1 + 8, test.MinimumTokens);
        Assert.True(test.WantedTokens >= test.MinimumTokens + (16 * 4));
        Assert.Equal(9, test.WantedTokensWithin(1024 + 9));
    }
}
