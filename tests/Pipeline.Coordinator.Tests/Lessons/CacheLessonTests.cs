using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Tests.Lessons;

public class CacheLessonTests
{
    [Fact]
    public void Of_SixWordsInFourSlots_OverwritesTheOldest()
    {
        var lesson = CacheLesson.Of(window: 4, blockSize: 1, ["The", "cat", "is", "on", "a", "chair"]);

        Assert.Equal(4, lesson.RingSlots);
        Assert.Equal([0, 1, 2, 3, 0, 1], lesson.Steps.Select(step => step.Slot));
        Assert.Equal([null, null, null, null, "The", "cat"], lesson.Steps.Select(step => step.Overwritten));
        Assert.Equal(["a", "chair", "is", "on"], lesson.Steps[^1].Slots);
        Assert.Equal(2, lesson.Steps[^1].Pointer);
        Assert.Equal(["is", "on", "a", "chair"], lesson.Unrolled);
        Assert.Equal(4, lesson.Visible);
    }

    [Fact]
    public void Of_AnyRing_SlotHoldsTheNewestOfItsPositions()
    {
        var random = new Random(11);
        for (var trial = 0; trial < 300; trial++)
        {
            var (window, blockSize, count) = (random.Next(1, 12), random.Next(1, 6), random.Next(1, 40));
            var lesson = CacheLesson.Of(window, blockSize, Numbers(count));
            var slots = (window + blockSize - 1) / blockSize * blockSize;

            Assert.Equal(slots, lesson.RingSlots);
            Assert.All(lesson.Steps, step => Assert.Equal(
                Enumerable.Range(0, slots).Select(slot => Newest(slot, slots, step.Position)), step.Slots));
            Assert.All(lesson.Steps, step => Assert.Equal((step.Position + 1) % slots, step.Pointer));
            Assert.Equal(Numbers(count).TakeLast(slots), lesson.Unrolled);
            Assert.Equal(Math.Min(window, count), lesson.Visible);
        }
    }

    [Fact]
    public void Of_AnyRing_KeepsWhatTheTokenSees()
    {
        for (var window = 1; window <= 9; window++)
        {
            for (var blockSize = 1; blockSize <= 4; blockSize++)
            {
                var lesson = CacheLesson.Of(window, blockSize, Numbers(30));
                Assert.All(lesson.Steps, step => Assert.Subset(
                    step.Slots.ToHashSet(), Numbers(30).Skip(step.FirstVisible).Take(step.Position - step.FirstVisible + 1).ToHashSet<string?>()));
                Assert.All(lesson.Steps, step => Assert.Equal(Math.Max(0, step.Position - window + 1), step.FirstVisible));
            }
        }
    }

    [Fact]
    public void Of_NoTokens_IsRefused() => Assert.Throws<UserErrorException>(() => CacheLesson.Of(4, 1, []));

    [Fact]
    public void Render_SixWordsInFourSlots_IsTheKnownText() => Assert.Equal(
        """
        window 4, blocks of 1: a ring of 4 slots; slot = position mod 4; > is the next to be written

          0 The    slot  0  | The  |>-    | -    | -    |
          1 cat    slot  1  | The  | cat  |>-    | -    |
          2 is     slot  2  | The  | cat  | is   |>-    |
          3 on     slot  3  |>The  | cat  | is   | on   |
          4 a      slot  0  | a    |>cat  | is   | on   |  'a' overwrites 'The'
          5 chair  slot  1  | a    | chair|>is   | on   |  'chair' overwrites 'cat'

        unrolled, oldest first: is on a chair
        the last token sees the newest 4: is on a chair

        """,
        CacheText.Render(CacheLesson.Of(window: 4, blockSize: 1, ["The", "cat", "is", "on", "a", "chair"])));

    private static string[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(position => $"t{position}")];

    private static string? Newest(int slot, int slots, int last)
    {
        var newest = Enumerable.Range(0, last + 1).Where(position => position % slots == slot).Select(position => (int?)position).LastOrDefault();
        return newest is { } position ? $"t{position}" : null;
    }
}
