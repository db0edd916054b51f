using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// The blocks of one sequence in every cache group. Entries are reserved first and announced to the stages with the step
/// that needs them. A ring that comes round writes over its own blocks without another word, but leaves one that others
/// read, or could find, to them and takes a fresh one in its place.
/// </summary>
internal sealed class BlockTable(KvBlockPool pool)
{
    private readonly List<int>[] _entries = [.. Enumerable.Range(0, pool.GroupCount).Select(_ => new List<int>())];

    /// <summary>Entries that the stages know.</summary>
    private readonly int[] _announced = new int[pool.GroupCount];

    /// <summary>Blocks of the sequence, counted without rings, that have their contents or are about to get them.</summary>
    private int _begun;

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

    /// <summary>
    /// Reserves for a sequence of this length that begins with a cached prefix. Entries of the prefix that nobody will see any
    /// more get blocks too: they are the ones that the ring goes on with.
    /// </summary>
    public void Inherit(PrefixMatch prefix, int length)
    {
        _begun = prefix.Blocks;
        // Held before anything is allotted: an allotment may evict whatever nobody holds.
        for (var group = 0; group < _entries.Length; group++)
        {
            Array.ForEach(prefix.Held[group], block => pool.Share(group, block));
        }

        for (var group = 0; group < _entries.Length; group++)
        {
            var (held, ring) = (prefix.Held[group], pool.Spec.Groups[group].RingBlocks);
            var inherited = held.Index().ToDictionary(item => (prefix.Blocks - held.Length + item.Index) % ring, item => item.Item);
            for (var entry = 0; entry < pool.Spec.BlocksFor(group, length); entry++)
            {
                _entries[group].Add(inherited.TryGetValue(entry, out var block) ? block : pool.Allocate(group));
            }
        }
    }

    /// <summary>The changes that the stages need for positions below <paramref name="length"/> and do not know yet.</summary>
    public IReadOnlyList<BlockUpdate> Announce(int length)
    {
        var updates = new List<BlockUpdate>();
        var blocks = (length + pool.Spec.BlockSize - 1) / pool.Spec.BlockSize;
        for (var group = 0; group < _entries.Length; group++)
        {
            Turn(group, blocks, updates);
            for (; _announced[group] < pool.Spec.BlocksFor(group, length); _announced[group]++)
            {
                updates.Add(new BlockUpdate(group, _announced[group], _entries[group][_announced[group]]));
            }
        }

        _begun = Math.Max(_begun, blocks);
        return updates;
    }

    /// <summary>Blocks that have just been filled can be found by others from now on.</summary>
    public void Name(PrefixChain chain, int firstPosition, int length)
    {
        for (var block = firstPosition / pool.Spec.BlockSize; block < length / pool.Spec.BlockSize; block++)
        {
            for (var group = 0; group < _entries.Length; group++)
            {
                pool.Name(group, _entries[group][block % pool.Spec.Groups[group].RingBlocks], chain[block]);
            }
        }
    }

    /// <summary>The last first, so that of a cached prefix the end is given up before the beginning.</summary>
    public void ReleaseAll()
    {
        for (var group = 0; group < _entries.Length; group++)
        {
            for (var entry = _entries[group].Count - 1; entry >= 0; entry--)
            {
                pool.Release(group, _entries[group][entry]);
            }

            _entries[group].Clear();
        }

        Array.Clear(_announced);
        _begun = 0;
    }

    /// <summary>The blocks that a ring comes round to, up to this one. Giving one back first makes sure that there is one to take.</summary>
    private void Turn(int group, int blocks, List<BlockUpdate> updates)
    {
        var ring = pool.Spec.Groups[group].RingBlocks;
        for (var block = Math.Max(_begun, ring); block < blocks; block++)
        {
            var (entry, old) = (block % ring, _entries[group][block % ring]);
            if (pool.IsPrivate(group, old))
            {
                continue;
            }

            pool.Release(group, old);
            _entries[group][entry] = pool.Allocate(group);
            if (entry < _announced[group])
            {
                updates.Add(new BlockUpdate(group, entry, _entries[group][entry]));
            }
        }
    }

    private int Missing(int group, int length) => pool.Spec.BlocksFor(group, length) - _entries[group].Count;
}
