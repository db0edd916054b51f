namespace Pipeline.StageWorker.Loading;

/// <summary>Bytes loaded so far; written by the loading thread, read by whoever reports.</summary>
public sealed class LoadCounter : IProgress<long>
{
    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Adds bytes.</summary>
    public void Report(long value) => Interlocked.Add(ref _bytes, value);
}
