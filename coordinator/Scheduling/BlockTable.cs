using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// The blocks of one sequence in every cache group. Entries are reserved first and announced to the stages with the step
/// that needs them; a ring that is complete is written over without another word.
/// </summary>
internal sealed class BlockTable(KvBlockPool pool)
{
    private readonly List<int>[] _entries = [.. Enumerable.Range(0, pool.GroupCount).Select(_ => new List<int>())];
    private readonly int[] _announced = new int[pool.GroupCount];

    public bool Covers(int length)
    {
        for (var group = 0; group < _entries.Length; group++)
        {
            if (Missing(group, length) > 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reserves what is missing for a sequence of this length in all groups, or nothing at all.</summary>
    public bool TryReserve(int length)
    {
        for (var group = 0; group < _entries.Length; group++)
        {
            if (Missing(group, length) > pool.Free(group))
            {
                return false;
            }
        }

        for (var group = 0; group < _entries.Length; group++)
        {
            for (var missing = Missing(group, length); missing > 0; missing--)
            {
                _entries[group].Add(pool.Allocate(group));
            }
        }

        return true;
    }

    /// <summary>The entries that the stages need for positions below <paramref name="length"/> and do not know yet.</summary>
    public IReadOnlyList<BlockUpdate> Announce(int length)
    {
        var updates = new List<BlockUpdate>();
        for (var group = 0; group < _entries.Length; group++)
        {
            for (; _announced[group] < pool.Spec.BlocksFor(group, length); _announced[group]++)
            {
                updates.Add(new BlockUpdate(group, _announced[group], _entries[group][_announced[group]]));
            }
        }

        return updates;
    }

    public void ReleaseAll()
    {
        for (var group = 0; group < _entries.Length; group++)
        {
            _entries[group].ForEach(block => pool.Release(group, block));
            _entries[group].Clear();
        }

        Array.Clear(_announced);
    }

    private int Missing(int group, int length) => pool.Spec.BlocksFor(group, length) - _entries[group].Count;
}
