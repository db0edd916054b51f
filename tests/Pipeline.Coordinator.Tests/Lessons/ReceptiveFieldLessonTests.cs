using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Tests.Lessons;

public class ReceptiveFieldLessonTests
{
    [Fact]
    public void Of_AnyStack_HoldsExactlyLayersTimesWindowMinusOneBack()
    {
        for (var layers = 1; layers <= 8; layers++)
        {
            for (var window = 1; window <= 5; window++)
            {
                var lesson = ReceptiveFieldLesson.Of(layers, window, [.. Enumerable.Repeat("x", 40)]);
                Assert.Equal(layers + 1, lesson.Layers.Count);
                for (var layer = 0; layer <= layers; layer++)
                {
                    for (var position = 0; position < 40; position++)
                    {
                        var first = Math.Max(0, position - (layer * (window - 1)));
                        Assert.Equal(Enumerable.Range(first, position - first + 1), lesson.Layers[layer].Sources[position]);
                    }
                }

                Assert.Equal(lesson.Reach, Enumerable.Range(0, 40).Last(position => lesson.Layers[layers].Sources[position].Contains(0)));
            }
        }
    }

    [Theory]
    [InlineData(4, 3, 8)]
    [InlineData(4, 4, 12)]
    [InlineData(2, 5, 8)]
    [InlineData(32, 4096, 131_040)]
    public void Of_KnownStacks_ReachExactly(int layers, int window, int reach) =>
        Assert.Equal(reach, ReceptiveFieldLesson.Of(layers, window, ["a", "b"]).Reach);

    [Fact]
    public void Of_NoTokens_IsRefused() => Assert.Throws<UserErrorException>(() => ReceptiveFieldLesson.Of(4, 3, []));

    [Fact]
    public void Render_TwoLayers_IsTheKnownText() => Assert.Equal(
        """
        embedding
            0 the  knows  the
            1 cat  knows  cat
            2 is   knows  is
            3 on   knows  on

        layer 1
            0 the  knows  the
            1 cat  knows  the cat
            2 is   knows  cat is
            3 on   knows  is on

        layer 2
            0 the  knows  the
            1 cat  knows  the cat
            2 is   knows  the cat is
            3 on   knows  cat is on

        reach: layers * (window - 1) = 2 * 1 = 2 positions, exactly: token 0 influences outputs up to position 2

        """,
        ReceptiveFieldText.Render(ReceptiveFieldLesson.Of(layers: 2, window: 2, ["the", "cat", "is", "on"])));

    [Fact]
    public void Render_ReachBeyondTheText_SaysSo() => Assert.Contains(
        "= 8 positions, exactly: token 0 influences outputs up to position 8, beyond the last of these 6 tokens",
        ReceptiveFieldText.Render(ReceptiveFieldLesson.Of(layers: 4, window: 3, ["the", "cat", "is", "on", "a", "chair"])),
        StringComparison.Ordinal);
}
