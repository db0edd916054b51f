namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>How many sequences ended per second of late. Without ends the rate sinks by itself.</summary>
internal sealed class CompletionRate(TimeProvider timeProvider)
{
    private const int Remembered = 64;

    private readonly Queue<long> _ends = new();
    private long _since = timeProvider.GetTimestamp();

    public void Count()
    {
        _ends.Enqueue(timeProvider.GetTimestamp());
        if (_ends.Count > Remembered)
        {
            _since = _ends.Dequeue();
        }
    }

    /// <summary>When this many more will have ended, if all goes on as it did; null as long as nothing has.</summary>
    public TimeSpan? TimeFor(int sequences) => _ends.Count == 0 ? null : timeProvider.GetElapsedTime(_since) * ((double)sequences / _ends.Count);
}
