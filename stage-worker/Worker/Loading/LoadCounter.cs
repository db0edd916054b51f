namespace Pipeline.StageWorker.Loading;

/// <summary>
/// Bytes loaded so far; written by the loading threads, read by whoever reports. A retry begins at zero again, what is told
/// stands still meanwhile and never passes the total: a progress bar must not run backwards.
/// </summary>
/// <param name="expected">Total until the source is open and knows better.</param>
public sealed class LoadCounter(long expected) : IProgress<long>
{
    private long _total = expected;
    private long _attempt;
    private long _most;

    public long Total => Volatile.Read(ref _total);

    public long Bytes => Math.Min(Volatile.Read(ref _most), Total);

    /// <summary>Begins an attempt on a source with this many bytes.</summary>
    public void Begin(long total)
    {
        Volatile.Write(ref _attempt, 0);
        Volatile.Write(ref _total, total);
    }

    /// <summary>Adds bytes.</summary>
    public void Report(long value)
    {
        var bytes = Interlocked.Add(ref _attempt, value);
        var most = Volatile.Read(ref _most);
        while (most < bytes)
        {
            most = Interlocked.CompareExchange(ref _most, bytes, most);
        }
    }
}
