namespace Pipeline.Coordinator.Stages;

/// <summary>
/// How fast weights come, and how long the rest will take at that pace. Counts from the first report on: what came before was not
/// reading. Bytes that become fewer are a load that began anew.
/// </summary>
public sealed class LoadPace(TimeProvider timeProvider)
{
    private (long At, long Bytes)? _first;
    private (long At, long Bytes) _last;
    private long _total;

    /// <summary>0 until there are two reports.</summary>
    public double BytesPerSecond => _first is { } first && _last.At > first.At
        ? (_last.Bytes - first.Bytes) / timeProvider.GetElapsedTime(first.At, _last.At).TotalSeconds
        : 0;

    /// <summary>Null while nothing can be said.</summary>
    public TimeSpan? Left => BytesPerSecond > 0 ? TimeSpan.FromSeconds((_total - _last.Bytes) / BytesPerSecond) : null;

    public void Report(long bytesDone, long bytesTotal)
    {
        _first = bytesDone < _last.Bytes ? null : _first;
        (_last, _total) = ((timeProvider.GetTimestamp(), bytesDone), bytesTotal);
        _first ??= _last;
    }
}
