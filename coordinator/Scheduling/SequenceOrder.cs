namespace Pipeline.Coordinator.Scheduling;

/// <summary>Who comes first: the smaller priority value, then the earlier request. The last one is the first to be preempted.</summary>
internal sealed class SequenceOrder : IComparer<Sequence>
{
    public static SequenceOrder Instance { get; } = new();

    public int Compare(Sequence? x, Sequence? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var byPriority = x.Priority.CompareTo(y.Priority);
        return byPriority != 0 ? byPriority : x.Id.Value.CompareTo(y.Id.Value);
    }
}
