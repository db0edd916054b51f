namespace Pipeline.Coordinator.Generation;

/// <summary>
/// Lets text through up to the first stop string. What may be the beginning of one is held back until it is certain. While it is not
/// armed, stop strings are text like any other; one that was begun then and ends later counts.
/// </summary>
/// <param name="includesStop">The stop string that was met comes through too, as the end of the text.</param>
public sealed class StopStringFilter(IReadOnlyList<string> stopStrings, bool includesStop)
{
    private string _held = "";

    // How much of it came before the filter was armed: no stop string ends there.
    private int _passed;

    public bool IsArmed { get; set; } = true;

    /// <summary>A stop string was met; nothing comes through any more.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Text that may be shown after this piece came.</summary>
    public string Push(string text)
    {
        if (Stopped || stopStrings.Count == 0)
        {
            return Stopped ? "" : text;
        }

        _held += text;
        _passed = IsArmed ? _passed : _held.Length;
        if (FirstMatch() is { } match)
        {
            Stopped = true;
            return Release(includesStop ? match.End : match.Start);
        }

        return Release(_held.Length - LongestBeginning());
    }

    /// <summary>What was held back, when no more text comes.</summary>
    public string Flush() => Stopped ? "" : Release(_held.Length);

    private string Release(int length)
    {
        var text = _held[..length];
        _held = _held[length..];
        _passed = Math.Max(0, _passed - length);
        return text;
    }

    private (int Start, int End)? FirstMatch()
    {
        var matches = stopStrings.Select(stop => (Start: IndexOf(stop), stop.Length)).Where(match => match.Start >= 0).ToList();
        return matches.Count == 0 ? null : (matches.Min().Start, matches.Min().Start + matches.Min().Length);
    }

    private int IndexOf(string stop) => _held.IndexOf(stop, Math.Max(0, _passed - stop.Length + 1), StringComparison.Ordinal);

    /// <summary>Length of the longest end of the text that a stop string begins with.</summary>
    private int LongestBeginning()
    {
        var longest = Math.Min(_held.Length, stopStrings.Max(stop => stop.Length) - 1);
        for (var length = longest; length > 0; length--)
        {
            var end = _held.AsSpan(_held.Length - length);
            foreach (var stop in stopStrings)
            {
                if (stop.AsSpan().StartsWith(end, StringComparison.Ordinal))
                {
                    return length;
                }
            }
        }

        return 0;
    }
}
