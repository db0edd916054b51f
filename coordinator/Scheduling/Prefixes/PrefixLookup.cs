using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>
/// Finds the longest prefix of a sequence that every cache group can give: all of it under full attention, and under a
/// window what the first computed position still sees. What lies further back was only needed to compute that.
/// </summary>
internal sealed class PrefixLookup(KvBlockPool pool)
{
    /// <param name="most">Blocks to look for at most.</param>
    public PrefixMatch Longest(PrefixChain chain, int most)
    {
        var runs = Enumerable.Range(0, pool.GroupCount).Select(_ => new List<int>()).ToArray();
        var best = PrefixMatch.None(runs.Length);
        for (var block = 0; block < most && TryExtend(runs, chain[block]); block++)
        {
            if (Usable(runs, block + 1))
            {
                best = new PrefixMatch(block + 1, [.. runs.Select((run, group) => run.TakeLast(Seen(group, block + 1)).ToArray())]);
            }
        }

        return best;
    }

    /// <summary>Notes which groups have the block. A hole under full attention ends the search; behind a window it is forgotten again.</summary>
    private bool TryExtend(List<int>[] runs, PrefixHash name)
    {
        for (var group = 0; group < runs.Length; group++)
        {
            if (pool.Find(group, name) is { } block)
            {
                runs[group].Add(block);
            }
            else if (pool.Spec.Groups[group].Window is null)
            {
                return false;
            }
            else
            {
                runs[group].Clear();
            }
        }

        return true;
    }

    private bool Usable(List<int>[] runs, int blocks)
    {
        for (var group = 0; group < runs.Length; group++)
        {
            if (runs[group].Count < Seen(group, blocks))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Of this many blocks, those that the position behind them sees: the last ones.</summary>
    private int Seen(int group, int blocks)
    {
        var size = pool.Spec.BlockSize;
        return blocks - (AttentionWindow.FirstVisible(blocks * size, pool.Spec.Groups[group].Window) / size);
    }
}
