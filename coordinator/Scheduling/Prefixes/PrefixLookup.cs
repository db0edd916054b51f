using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>
/// Finds the longest prefix of a sequence that every cache group can give: all of it under full attention, and under a
/// window what the first computed position still sees. What lies further back was only needed to compute that.
/// </summary>
internal sealed class PrefixLookup(KvBlockPool pool)
{
    private const int Missing = -1;

    /// <param name="most">Blocks to look for at most.</param>
    public PrefixMatch Longest(PrefixChain chain, int most)
    {
        var found = Enumerable.Range(0, pool.GroupCount).Select(_ => new List<int>()).ToArray();
        var runs = new int[found.Length];
        var longest = 0;
        for (var block = 0; block < most && TryExtend(found, runs, chain[block]); block++)
        {
            longest = IsUsable(runs, block + 1) ? block + 1 : longest;
        }

        return new PrefixMatch(longest, [.. found.Select((blocks, group) => blocks.GetRange(longest - Seen(group, longest), Seen(group, longest)).ToArray())]);
    }

    /// <summary>
    /// Notes which groups have the block, and how many without a hole up to it. Behind a hole under full attention there is
    /// nothing more to find.
    /// </summary>
    private bool TryExtend(List<int>[] found, int[] runs, PrefixHash name)
    {
        for (var group = 0; group < found.Length; group++)
        {
            var block = pool.Find(group, name) ?? Missing;
            if (block == Missing && pool.Spec.Groups[group].Window is null)
            {
                return false;
            }

            found[group].Add(block);
            runs[group] = block == Missing ? 0 : runs[group] + 1;
        }

        return true;
    }

    private bool IsUsable(int[] runs, int blocks)
    {
        for (var group = 0; group < runs.Length; group++)
        {
            if (runs[group] < Seen(group, blocks))
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
