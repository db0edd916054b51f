using Pipeline.Shared.Caching;

namespace Pipeline.Shared.Tests.Caching;

public class AttentionWindowTests
{
    [Fact]
    public void Sees_EveryPair_IsTheRule()
    {
        for (var window = 1; window <= 8; window++)
        {
            for (var query = 0; query < 24; query++)
            {
                for (var key = 0; key < 24; key++)
                {
                    Assert.Equal(query - key >= 0 && query - key < window, AttentionWindow.Sees(query, key, window));
                }
            }
        }
    }

    [Fact]
    public void Sees_AnyWindow_ShowsMinOfPositionPlusOneAndWindow()
    {
        for (var window = 1; window <= 8; window++)
        {
            for (var query = 0; query < 24; query++)
            {
                var seen = Enumerable.Range(0, 48).Count(key => AttentionWindow.Sees(query, key, window));
                Assert.Equal(Math.Min(query + 1, window), seen);
            }
        }
    }

    [Fact]
    public void Sees_WithoutWindow_IsCausal()
    {
        Assert.True(AttentionWindow.Sees(100_000, 0, window: null));
        Assert.True(AttentionWindow.Sees(7, 7, window: null));
        Assert.False(AttentionWindow.Sees(7, 8, window: null));
    }

    [Theory]
    [InlineData(0, 4, 0)]
    [InlineData(3, 4, 0)]
    [InlineData(4, 4, 1)]
    [InlineData(40_000, 4096, 35_905)]
    [InlineData(int.MaxValue, int.MaxValue, 1)]
    [InlineData(5, 1, 5)]
    [InlineData(5, null, 0)]
    public void FirstVisible_Position_IsWindowMinusOneBack(int query, int? window, int expected) =>
        Assert.Equal(expected, AttentionWindow.FirstVisible(query, window));
}
