using Pipeline.Coordinator.Scheduling;

namespace Pipeline.Coordinator.Tests.Scheduling;

public class PipelineScheduleTests
{
    [Theory]
    [InlineData(1, 0.75)]
    [InlineData(2, 0.60)]
    [InlineData(4, 0.429)]
    [InlineData(8, 0.273)]
    [InlineData(16, 0.158)]
    [InlineData(32, 0.086)]
    public void PrefillBubble_OfFourStages_IsTheTextbookShare(int microbatches, double expected) =>
        Assert.Equal(expected, new PipelineSchedule(4, microbatches).PrefillBubble, 0.0005);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1.6)]
    [InlineData(4, 2.286)]
    [InlineData(8, 2.909)]
    [InlineData(16, 3.368)]
    public void PrefillSpeedup_OfFourStages_StaysBelowFour(int microbatches, double expected) =>
        Assert.Equal(expected, new PipelineSchedule(4, microbatches).PrefillSpeedup, 0.0005);

    [Theory]
    [InlineData(4, 1, 0.25)]
    [InlineData(4, 3, 0.75)]
    [InlineData(4, 4, 1)]
    [InlineData(4, 9, 1)]
    [InlineData(1, 1, 1)]
    public void DecodeUtilization_FewerMicrobatchesThanStages_IsTheirRatio(int stages, int microbatches, double expected) =>
        Assert.Equal(expected, new PipelineSchedule(stages, microbatches).DecodeUtilization);

    /// <summary>Draws the grid and counts its empty cells.</summary>
    [Fact]
    public void PrefillBubble_OfAnyShape_IsTheEmptyShareOfTheGrid()
    {
        for (var stages = 1; stages <= 6; stages++)
        {
            for (var microbatches = 1; microbatches <= 9; microbatches++)
            {
                var busy = (from stage in Enumerable.Range(0, stages) from microbatch in Enumerable.Range(0, microbatches) select (stage, tick: stage + microbatch)).ToHashSet();
                var ticks = busy.Max(cell => cell.tick) + 1;
                var schedule = new PipelineSchedule(stages, microbatches);
                Assert.Equal(ticks, schedule.PrefillTicks);
                Assert.Equal(1 - ((double)busy.Count / (ticks * stages)), schedule.PrefillBubble, 1e-12);
            }
        }
    }

    /// <summary>One microbatch at a time is alone in the pipe however many steps there are; enough of them run as in the textbook.</summary>
    [Theory]
    [InlineData(1, 1, 0.75)]
    [InlineData(1, 4, 0.75)]
    [InlineData(2, 4, 0.556)]
    [InlineData(4, 4, 0.429)]
    [InlineData(9, 16, 0.158)]
    public void PrefillBubbleOf_StepsInFourStages_DependsOnHowManyAreInThePipe(int microbatches, int steps, double expected) =>
        Assert.Equal(expected, new PipelineSchedule(4, microbatches).PrefillBubbleOf(steps), 0.0005);

    /// <summary>Lets every step enter as soon as the first stage is free and the pipe has room.</summary>
    [Fact]
    public void PrefillBubbleOf_AnyShape_IsWhatStepsThatEnterWhenTheyMayLeaveEmpty()
    {
        for (var stages = 1; stages <= 6; stages++)
        {
            for (var microbatches = 1; microbatches <= 8; microbatches++)
            {
                List<int> entries = [];
                for (var steps = 1; steps <= 20; steps++)
                {
                    entries.Add(Math.Max(steps == 1 ? 0 : entries[^1] + 1, steps > microbatches ? entries[^microbatches] + stages : 0));
                    var ticks = entries[^1] + stages;
                    Assert.Equal(1 - ((double)steps / ticks), new PipelineSchedule(stages, microbatches).PrefillBubbleOf(steps), 1e-12);
                }
            }
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Schedule_OfNothing_IsRefused(int stages, int microbatches) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new PipelineSchedule(stages, microbatches));
}
