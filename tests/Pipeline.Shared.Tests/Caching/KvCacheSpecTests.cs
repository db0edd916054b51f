using Pipeline.Shared.Caching;

namespace Pipeline.Shared.Tests.Caching;

public class KvCacheSpecTests
{
    [Theory]
    [InlineData(null, 100, 7)]
    [InlineData(5, 4, 1)] // all of a short sequence
    [InlineData(5, 100, 3)] // 5 + 32 positions
    [InlineData(int.MaxValue, 100, 7)] // as good as none
    [InlineData(int.MaxValue, int.MaxValue, 134_217_728)]
    [InlineData(null, int.MaxValue, 134_217_728)]
    public void RingBlocksFor_WindowAndChunk_AreRoundedUpAndNoMoreThanTheWhole(int? window, int length, int blocks) =>
        Assert.Equal(blocks, KvCacheSpec.RingBlocksFor(window, blockSize: 16, maxChunk: 32, maxModelLength: length));
}
