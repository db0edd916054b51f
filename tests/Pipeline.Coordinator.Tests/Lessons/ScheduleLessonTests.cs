using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Tests.Lessons;

public class ScheduleLessonTests
{
    [Theory]
    [InlineData(1, 75.0, 1.00)]
    [InlineData(2, 60.0, 1.60)]
    [InlineData(4, 42.9, 2.29)]
    [InlineData(8, 27.3, 2.91)]
    [InlineData(16, 15.8, 3.37)]
    [InlineData(32, 8.6, 3.66)]
    public void Prefill_FourStages_HasTheKnownBubble(int microbatches, double percent, double speedUp)
    {
        var lesson = ScheduleLesson.Prefill(stages: 4, microbatches);
        Assert.Equal(percent, Math.Round(lesson.Bubble * 100, 1));
        Assert.Equal(speedUp, Math.Round(lesson.SpeedUp!.Value, 2));
    }

    [Fact]
    public void Prefill_AnySize_CountsWhatTheFormulaSays()
    {
        for (var stages = 1; stages <= 8; stages++)
        {
            for (var microbatches = 1; microbatches <= 16; microbatches++)
            {
                var lesson = ScheduleLesson.Prefill(stages, microbatches);
                Assert.Equal(microbatches + stages - 1, lesson.Ticks);
                Assert.Equal((stages - 1d) / (microbatches + stages - 1), lesson.Bubble, 1e-12);
                Assert.Equal(lesson.PredictedUtilisation, lesson.Utilisation, 1e-12);
                AssertPossible(lesson);
            }
        }
    }

    [Fact]
    public void Decode_AnySize_UsesTheSmallerOfMicrobatchesAndStages()
    {
        for (var stages = 1; stages <= 8; stages++)
        {
            for (var microbatches = 1; microbatches <= 16; microbatches++)
            {
                for (var steps = 2; steps <= 5; steps++)
                {
                    var lesson = ScheduleLesson.Decode(stages, microbatches, steps);
                    Assert.Equal(Math.Min(1, (double)microbatches / stages), lesson.Utilisation, 1e-12);
                    Assert.Equal(lesson.PredictedUtilisation, lesson.Utilisation, 1e-12);
                    Assert.Equal(1 - ((double)(microbatches * steps) / lesson.Ticks), lesson.Bubble, 1e-12);
                    AssertPossible(lesson);
                }
            }
        }
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(4, 0)]
    public void Prefill_NothingToSchedule_IsRefused(int stages, int microbatches) =>
        Assert.Throws<UserErrorException>(() => ScheduleLesson.Prefill(stages, microbatches));

    [Fact]
    public void Decode_OneStep_IsRefused() => Assert.Throws<UserErrorException>(() => ScheduleLesson.Decode(4, 4, steps: 1));

    [Fact]
    public void Render_Prefill_IsTheKnownText() => Assert.Equal(
        """
        prefill with S = 4 stages, M = 4 microbatches; a number is a microbatch, . is idle

        tick     0 1 2 3 4 5 6
        stage 0  0 1 2 3 . . .
        stage 1  . 0 1 2 3 . .
        stage 2  . . 0 1 2 3 .
        stage 3  . . . 0 1 2 3

        bubble counted 42.9%, by formula (S-1)/(M+S-1) = 3/7 = 42.9%
        the same batch as one microbatch takes 2.29 times as long when computing is the limit: M*S/(M+S-1)

        """,
        ScheduleText.Render(ScheduleLesson.Prefill(stages: 4, microbatches: 4)));

    [Fact]
    public void Render_DecodeWithTooFew_IsTheKnownText() => Assert.Equal(
        """
        decode with S = 3 stages, M = 2 microbatches, 3 steps each; a number is a microbatch, . is idle

        tick     0 1 2 3 4 5 6 7 8 9
        stage 0  0 1 . 0 1 . 0 1 . .
        stage 1  . 0 1 . 0 1 . 0 1 .
        stage 2  . . 0 1 . 0 1 . 0 1

        use of a full pipe counted 66.7%, by formula min(1, M/S) = 66.7%; with fill and drain 60.0%
        each step waits for its own token to come round: the pipe is full from 3 microbatches on

        """,
        ScheduleText.Render(ScheduleLesson.Decode(stages: 3, microbatches: 2, steps: 3)));

    /// <summary>Nobody does two things at once, a microbatch passes the stages in order, and a step waits for its token.</summary>
    private static void AssertPossible(ScheduleLesson lesson)
    {
        Assert.Equal(lesson.Cells.Count, lesson.Cells.Select(cell => (cell.Stage, cell.Tick)).Distinct().Count());
        Assert.Equal(lesson.Stages * lesson.Microbatches * lesson.Steps, lesson.Cells.Select(cell => (cell.Stage, cell.Microbatch, cell.Step)).Distinct().Count());
        var ticks = lesson.Cells.ToDictionary(cell => (cell.Microbatch, cell.Step, cell.Stage), cell => cell.Tick);
        foreach (var ((microbatch, step, stage), tick) in ticks)
        {
            var before = stage > 0 ? (microbatch, step, stage - 1) : (microbatch, step - 1, lesson.Stages - 1);
            Assert.True(!ticks.TryGetValue(before, out var earlier) || earlier < tick);
        }
    }
}
