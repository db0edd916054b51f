using System.Globalization;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>
/// Tells of stages that do not answer yet: on a terminal one line that is written over, elsewhere a line whenever a reason changes
/// and one now and then, so that a log shows that the waiting goes on, and for whom.
/// </summary>
internal sealed class MissingStages(Terminal terminal, TimeProvider timeProvider)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly SortedDictionary<int, string> _reasons = [];
    private long _began;
    private long _told;
    private bool _drawn;

    public void Add(int stage, string reason)
    {
        var isNew = !_reasons.TryGetValue(stage, out var before) || before != reason;
        if (_reasons.Count == 0)
        {
            _began = _told = timeProvider.GetTimestamp();
        }

        _reasons[stage] = reason;
        if (terminal.AnimatesProgress)
        {
            terminal.Error.Write($"\r\x1b[2K{Summary()}");
            _drawn = true;
        }
        else if (isNew)
        {
            terminal.Error.WriteLine($"stage {stage}: {reason}; trying again");
        }
        else if (timeProvider.GetElapsedTime(_told) >= Interval)
        {
            _told = timeProvider.GetTimestamp();
            terminal.Error.WriteLine(Summary());
        }
    }

    /// <summary>It answers now; says so only where it was missed.</summary>
    public void Remove(int stage, string address)
    {
        if (_reasons.Remove(stage))
        {
            Clear();
            terminal.Error.WriteLine($"stage {stage} is there: {address}");
        }
    }

    /// <summary>Before anything else is written.</summary>
    public void Clear()
    {
        if (_drawn)
        {
            terminal.Error.Write("\r\x1b[2K");
            _drawn = false;
        }
    }

    private string Summary() => string.Create(
        CultureInfo.InvariantCulture,
        $"waiting for {(_reasons.Count == 1 ? "1 stage" : $"{_reasons.Count} stages")} for {timeProvider.GetElapsedTime(_began).TotalSeconds:F0} s: {string.Join("; ", _reasons.Select(stage => $"stage {stage.Key}: {stage.Value}"))}");
}
