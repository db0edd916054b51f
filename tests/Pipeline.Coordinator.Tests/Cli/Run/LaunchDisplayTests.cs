using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Tests.Serving;

namespace Pipeline.Coordinator.Tests.Cli.Run;

public sealed class LaunchDisplayTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly ManualClock _clock = new();
    private readonly StringWriter _error = new();

    [Fact]
    public void Loading_OnATerminal_ShowsPaceAndRest()
    {
        var display = Begin(animates: true);
        display.Loading(0, 0, 100 * MiB);
        _clock.Advance(TimeSpan.FromSeconds(2));
        display.Loading(0, 20 * MiB, 100 * MiB);
        Assert.EndsWith("stage 0 [#####...................]     20 MiB 10 MiB/s, 8 s left\n", _error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>A log is not flooded: a line now and then.</summary>
    [Fact]
    public void Loading_IntoALog_TellsEveryTenSeconds()
    {
        var display = Begin(animates: false);
        for (var second = 0; second < 35; second++)
        {
            display.Loading(0, second * MiB, 100 * MiB);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        display.Loaded(0, 100 * MiB, 50);
        var lines = _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.Equal(4, lines.Length);
        Assert.EndsWith("10 MiB 1 MiB/s, 90 s left", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("loaded in 50.00 s, 2 MiB/s", lines[^1], StringComparison.Ordinal);
    }

    public void Dispose() => _error.Dispose();

    private LaunchDisplay Begin(bool animates)
    {
        var display = new LaunchDisplay(new Terminal(TextWriter.Null, _error) { AnimatesProgress = animates }, _clock);
        display.Starting(1, local: true);
        return display;
    }
}
