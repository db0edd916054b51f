using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Tests.Lessons;

public class RoutingLessonTests
{
    [Fact]
    public void Of_SlideExample_ShowsTrueWeightsAndTheMistake()
    {
        var lesson = RoutingLesson.Of([0.6f, 1.5f, 1.2f, 3.4f], topK: 2);

        Assert.Equal([null, 2, null, 1], lesson.Experts.Select(expert => expert.Rank));
        Assert.Equal(0.8699f, lesson.Experts[3].Weight!.Value, 5e-5f);
        Assert.Equal(0.1301f, lesson.Experts[1].Weight!.Value, 5e-5f);
        Assert.Null(lesson.Experts[0].Weight);
        Assert.Equal(1f, lesson.WeightSum, 1e-6f);

        var exponentials = new[] { 0.6, 1.5, 1.2, 3.4 }.Select(Math.Exp).ToArray();
        Assert.Equal((exponentials[1] + exponentials[3]) / exponentials.Sum(), lesson.SumWithoutRenormalising, 1e-6);
        Assert.All(lesson.Experts, expert => Assert.Equal(exponentials[expert.Expert] / exponentials.Sum(), expert.ShareOfAll, 1e-6));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Of_ImpossibleChoice_NamesBothNumbers(int topK)
    {
        var message = Assert.Throws<UserErrorException>(() => RoutingLesson.Of([1, 2, 3, 4], topK)).Message;
        Assert.Contains($"choose {topK} of 4 experts", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_SlideExample_IsTheKnownText() => Assert.Equal(
        """
        top 2 of 4 experts, then a softmax over those 2 logits

        expert     logit  rank  weight
             0    0.6000     -       -
             1    1.5000     2  0.1301
             2    1.2000     -       -
             3    3.4000     1  0.8699

        weights sum to 1.0000; a softmax over all experts, not renormalised, would give 0.8701

        """,
        RoutingText.Render(RoutingLesson.Of([0.6f, 1.5f, 1.2f, 3.4f], topK: 2)));
}
