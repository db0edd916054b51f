using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Tests.Serving;

namespace Pipeline.Coordinator.Tests.Cli.Run;

/// <summary>What is shown while stages are waited for, on a terminal and in a log.</summary>
public sealed class MissingStagesTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly StringWriter _error = new() { NewLine = "\n" };

    [Fact]
    public void Log_TellsReasonsOnceAndNowAndThenWhoIsMissing()
    {
        var missing = new MissingStages(new Terminal(TextWriter.Null, _error), _clock);
        missing.Add(2, "refused");
        missing.Add(2, "refused");
        missing.Add(0, "unknown name");
        _clock.Advance(TimeSpan.FromSeconds(9));
        missing.Add(2, "refused");
        _clock.Advance(TimeSpan.FromSeconds(3));
        missing.Add(0, "unknown name");
        missing.Add(2, "refused");
        missing.Remove(2, "there:2");
        missing.Remove(1, "there:1");
        missing.Add(0, "refused");

        Assert.Equal(
            [
                "stage 2: refused; trying again",
                "stage 0: unknown name; trying again",
                "waiting for 2 stages for 12 s: stage 0: unknown name; stage 2: refused",
                "stage 2 is there: there:2",
                "stage 0: refused; trying again",
            ],
            _error.ToString().TrimEnd().Split('\n'));
    }

    public void Dispose() => _error.Dispose();

    [Fact]
    public void Terminal_ShowsOneLineThatIsWrittenOver()
    {
        var missing = new MissingStages(new Terminal(TextWriter.Null, _error) { AnimatesProgress = true, Width = 40 }, _clock);
        missing.Add(1, "a reason that is much longer than a line can be");
        _clock.Advance(TimeSpan.FromSeconds(5));
        missing.Add(1, "refused");
        missing.Remove(1, "there:1");

        Assert.Equal(
            "\r\x1b[2Kwaiting for 1 stage for 0 s: stage 1: a\r\x1b[2Kwaiting for 1 stage for 5 s: stage 1: r\r\x1b[2Kstage 1 is there: there:1\n",
            _error.ToString());
    }
}
