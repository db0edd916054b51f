namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>A table that forgets the oldest entry when it is full.</summary>
internal sealed class RecentEntries<TKey, TValue>(int capacity)
    where TKey : notnull
    where TValue : class
{
    private readonly Dictionary<TKey, TValue> _entries = [];
    private readonly Queue<TKey> _order = new();

    public void Set(TKey key, TValue value)
    {
        if (!_entries.ContainsKey(key))
        {
            _order.Enqueue(key);
            if (_order.Count > capacity)
            {
                _entries.Remove(_order.Dequeue());
            }
        }

        _entries[key] = value;
    }

    public TValue? Find(TKey key) => _entries.GetValueOrDefault(key);
}
