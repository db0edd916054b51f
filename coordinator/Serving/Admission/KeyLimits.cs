using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>Requests of one key at the same time, at most; without keys all are of one. Thread-safe.</summary>
internal sealed class KeyLimits(int? most)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<int, int> _active = [];

    public void Enter(int key)
    {
        lock (_lock)
        {
            var active = _active.GetValueOrDefault(key);
            if (active >= most)
            {
                throw ApiException.TooMany($"this key has {active} requests under way; {most} at the same time are allowed", Retry);
            }

            _active[key] = active + 1;
        }
    }

    public void Leave(int key)
    {
        lock (_lock)
        {
            if (--_active[key] == 0)
            {
                _active.Remove(key);
            }
        }
    }
}
