using Pipeline.Coordinator.Scheduling;

namespace Pipeline.Coordinator.Tests.Scheduling;

public class MicrobatchCountTests
{
    [Theory]
    [InlineData(1, 64, 64, 1)] // a single stage is always full
    [InlineData(4, 64, 1, 4)]
    [InlineData(4, 3, 1, 3)] // three decodes can fill three microbatches
    [InlineData(4, 1, 1, 1)] // one sequence whose prompt is a single chunk
    [InlineData(4, 1, 9, 4)] // one long prompt: its chunks follow each other through the pipe
    [InlineData(8, 2, 5, 5)]
    public void Choose_StagesAndWork_IsTheFewestThatFillThePipe(int stages, int maxSequences, int maxChunksPerPrompt, int expected) =>
        Assert.Equal(expected, MicrobatchCount.Choose(stages, maxSequences, maxChunksPerPrompt));
}
