using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Tests.Tokenization;

namespace Pipeline.Coordinator.Tests.Cli.Run;

public class TextPresenterTests
{
    [Theory]
    [InlineData("JULIET:", true, "JULIET: O Romeo\n")]
    [InlineData("Who?", false, "Who?\n O Romeo\n")]
    [InlineData("Who?\n", false, "Who?\n O Romeo\n")]
    [InlineData(null, false, "ids: \n")]
    public async Task Present_AnswerInAChat_BeginsALine(string? text, bool isContinued, string expected)
    {
        var collector = new OutputCollector(new Prompt(text, [1]) { IsContinued = isContinued }, index: 0, count: 1);
        await collector.ReadAsync(Answer(), new GenerationClock(TimeProvider.System, sequences: 1), TestContext.Current.CancellationToken);
        using var output = new StringWriter();

        await new TextPresenter(new Terminal(output, TextWriter.Null), Tokenizers.Tiny).PresentAsync([collector], TestContext.Current.CancellationToken);

        Assert.Equal(expected, output.ToString());
    }

    private static async IAsyncEnumerable<GenerationDelta> Answer()
    {
        yield return new GenerationDelta { Text = " O Romeo" };
        await Task.CompletedTask;
    }
}
