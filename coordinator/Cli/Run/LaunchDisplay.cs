using System.Globalization;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>
/// Shows on standard error how a pipeline is built, breaks and is brought back: one bar a stage on a terminal; elsewhere one line
/// for each event, and now and then one that tells how far a long load is.
/// </summary>
internal sealed class LaunchDisplay(Terminal terminal, TimeProvider timeProvider) : ILaunchObserver
{
    private const int BarWidth = 24;

    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly MissingStages _missing = new(terminal, timeProvider);
    private (long Done, long Total, double? Seconds)[] _stages = [];
    private LoadPace[] _paces = [];
    private long[] _told = [];
    private bool _drawn;

    public void Starting(int stages, bool local)
    {
        lock (_lock)
        {
            _stages = new (long, long, double?)[stages];
            _paces = [.. Enumerable.Range(0, stages).Select(_ => new LoadPace(timeProvider))];
            _told = [.. Enumerable.Repeat(timeProvider.GetTimestamp(), stages)];
            terminal.Error.WriteLine(local ? $"starting {stages} stage worker{(stages == 1 ? "" : "s")} on this host" : $"connecting to {stages} stage worker{(stages == 1 ? "" : "s")}");
        }
    }

    public void Tell(string line)
    {
        lock (_lock)
        {
            terminal.Error.WriteLine(line);
        }
    }

    public void Retrying(int stage, string address, int attempt, string reason)
    {
        lock (_lock)
        {
            _missing.Add(stage, reason);
            _drawn = false;
        }
    }

    public void Reached(int stage, string address)
    {
        lock (_lock)
        {
            _missing.Remove(stage, address);
        }
    }

    public void Loading(int stage, long bytesDone, long bytesTotal)
    {
        lock (_lock)
        {
            _stages[stage] = (bytesDone, bytesTotal, null);
            _paces[stage].Report(bytesDone, bytesTotal);
            _missing.Clear();
            Draw();
            if (!terminal.AnimatesProgress && timeProvider.GetElapsedTime(_told[stage]) >= LineInterval)
            {
                _told[stage] = timeProvider.GetTimestamp();
                terminal.Error.WriteLine($"  {Line(stage)}");
            }
        }
    }

    public void Loaded(int stage, long bytes, double seconds)
    {
        lock (_lock)
        {
            _stages[stage] = (bytes, bytes, seconds);
            _missing.Clear();
            if (terminal.AnimatesProgress)
            {
                Draw();
            }
            else
            {
                terminal.Error.WriteLine($"  {Line(stage)}");
            }
        }
    }

    public void Lost(int stage, string reason)
    {
        lock (_lock)
        {
            // What is drawn from here on stands below this line.
            (_stages[stage], _paces[stage], _told[stage], _drawn) = ((0, 0, null), new LoadPace(timeProvider), timeProvider.GetTimestamp(), false);
            terminal.Error.WriteLine($"stage {stage} is lost: {reason}; bringing it back");
        }
    }

    public void Recovered(double seconds)
    {
        lock (_lock)
        {
            _drawn = false;
            terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"all stages are there again after {seconds:F1} s"));
        }
    }

    private void Draw()
    {
        if (!terminal.AnimatesProgress)
        {
            return;
        }

        // Back to the first of our lines, then over all of them again.
        var up = _drawn ? $"\x1b[{_stages.Length}A" : "";
        terminal.Error.Write(up + string.Concat(Enumerable.Range(0, _stages.Length).Select(stage => $"\r\x1b[2K  {Line(stage)}\n")));
        _drawn = true;
    }

    private string Line(int stage)
    {
        var (done, total, seconds) = _stages[stage];
        var share = total > 0 ? Math.Clamp((double)done / total, 0, 1) : 0;
        var filled = (int)Math.Round(share * BarWidth);
        var rest = seconds is { } took
            ? $"loaded in {took:F2} s, {ByteSize.Format((long)(took > 0 ? done / took : 0))}/s"
            : _paces[stage].Left is { } left ? $"{ByteSize.Format((long)_paces[stage].BytesPerSecond)}/s, {Math.Ceiling(left.TotalSeconds):F0} s left" : "";
        return $"stage {stage} [{new string('#', filled)}{new string('.', BarWidth - filled)}] {ByteSize.Format(done),10} {rest}";
    }
}
