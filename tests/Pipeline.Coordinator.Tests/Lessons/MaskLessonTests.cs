using CsCheck;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Tests.Lessons;

public class MaskLessonTests
{
    [Fact]
    public void Of_PrefillOfThree_IsTheGoldenMask() => Assert.Equal(
        """
        0.................
        00................
        000...............
        .000..............
        ..000.............
        ...000............
        ....000...........
        .......0..........
        .......00.........
        .......000........
        ........000.......
        .........000......
        ............0.....
        ............00....
        ............000...
        .............000..
        ..............000.
        ...............000
        """,
        Grid(MaskLesson.Of(window: 3, [7, 5, 6], [0, 0, 0], ringSlots: null)));

    [Fact]
    public void Of_ChunkAfterCache_IsTheGoldenMask() => Assert.Equal(
        """
        .....000..........
        ......000.........
        .......000........
        ...........000....
        ............000...
        .............000..
        ..............000.
        ...............000
        """,
        Grid(MaskLesson.Of(window: 3, [3, 5], [7, 3], ringSlots: null)));

    [Fact]
    public void Of_DecodeOverRings_IsTheGoldenMask() => Assert.Equal(
        """
        000.........
        ......00000.
        """,
        Grid(MaskLesson.Of(window: 6, [1, 1], [2, 4], ringSlots: 6)));

    [Fact]
    public void Of_RandomBatches_FollowsTheRule() => Batches.Sample(
        batch =>
        {
            var (window, sequences) = batch;
            var lesson = MaskLesson.Of(window, [.. sequences.Select(s => s.New)], [.. sequences.Select(s => s.Cached)], ringSlots: null);
            var keys = sequences.SelectMany((s, index) => Enumerable.Range(0, s.Cached + s.New).Select(position => (index, position))).ToArray();
            var queries = sequences.SelectMany((s, index) => Enumerable.Range(s.Cached, s.New).Select(position => (index, position))).ToArray();

            Assert.Equal(queries, lesson.Rows.Select(row => (row.Sequence, row.Position)));
            foreach (var (query, row) in queries.Zip(lesson.Rows))
            {
                var expected = keys.Select(key => key.index == query.index && query.position - key.position >= 0 && query.position - key.position < window ? '0' : '.');
                Assert.Equal(string.Concat(expected), row.Keys);
                Assert.Equal(Math.Min(query.position + 1, window), row.Visible);
            }
        },
        seed: "0N0XIzNsQ0O2",
        iter: 500,
        threads: 1);

    [Fact]
    public void Of_SmallestRing_ShowsEveryVisibleKeyInItsSlot() => Batches.Sample(
        batch =>
        {
            var (window, sequences) = batch;
            var slots = window + sequences.Max(s => s.New);
            var lesson = MaskLesson.Of(window, [.. sequences.Select(s => s.New)], [.. sequences.Select(s => s.Cached)], slots);
            foreach (var row in lesson.Rows)
            {
                var visible = Enumerable.Range(0, row.Position + 1).TakeLast(window).Select(key => (row.Sequence * slots) + (key % slots)).Order();
                Assert.Equal(visible, Enumerable.Range(0, row.Keys.Length).Where(column => row.Keys[column] == '0'));
            }
        },
        seed: "0N0XIzNsQ0O2",
        iter: 500,
        threads: 1);

    [Fact]
    public void Of_WithoutWindow_IsCausal() =>
        Assert.Equal([1, 2, 3, 1, 2], MaskLesson.Of(window: null, [3, 2], [0, 0], ringSlots: null).Rows.Select(row => row.Visible));

    [Theory]
    [InlineData(5, 4, 0)]
    [InlineData(6, 1, 9)]
    public void Of_RingJustLongEnough_IsAccepted(int slots, int newTokens, int cached)
    {
        var window = slots - newTokens + 1;
        Assert.Equal(newTokens, MaskLesson.Of(window, [newTokens], [cached], slots).Rows.Count);
    }

    [Fact]
    public void Of_RingTooShort_NamesBothNumbers()
    {
        var message = Assert.Throws<UserErrorException>(() => MaskLesson.Of(window: 4, [1, 3], [9, 9], ringSlots: 5)).Message;
        Assert.Contains("5 slots", message, StringComparison.Ordinal);
        Assert.Contains("sequence 1", message, StringComparison.Ordinal);
        Assert.Contains("at least 6", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ListsOfDifferentLength_NamesBothNumbers() =>
        Assert.Contains(
            "3 sequences have new tokens but 2",
            Assert.Throws<UserErrorException>(() => MaskLesson.Of(3, [7, 5, 6], [1, 2], null)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Of_EnormousGrid_IsRefused() =>
        Assert.Throws<UserErrorException>(() => MaskLesson.Of(3, [10_000, 10_000], [0, 0], null));

    [Fact]
    public void Render_Chunk_IsTheKnownText() => Assert.Equal(
        """
        window 3: a token sees itself and 2 before it
        one column per key, cached and new; 0 visible, . hidden

        seq  pos  sees  keys
          0    2     3  000....
          1    0     1  ...0...
          1    1     2  ...00..
          1    2     3  ...000.
          1    3     3  ....000

        """,
        MaskText.Render(MaskLesson.Of(window: 3, [1, 4], [2, 0], ringSlots: null)));

    private static Gen<(int Window, (int New, int Cached)[] Sequences)> Batches { get; } =
        Gen.Select(Gen.Int[1, 8], Gen.Select(Gen.Int[0, 9], Gen.Int[0, 12]).Array[1, 5]);

    private static string Grid(MaskLesson lesson) => string.Join('\n', lesson.Rows.Select(row => row.Keys));
}
