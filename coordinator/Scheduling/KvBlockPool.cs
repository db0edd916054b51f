using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// Knows which blocks of the stages' KV caches are free, per cache group. Always hands out the lowest free id, so that the
/// same requests get the same blocks in every run; blocks whose contents may be wanted again come last.
/// </summary>
public sealed class KvBlockPool
{
    private readonly GroupBlocks[] _groups;

    public KvBlockPool(KvCacheSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Spec = spec;
        _groups = [.. spec.Groups.Select((group, index) => new GroupBlocks(index, group))];
    }

    public KvCacheSpec Spec { get; }

    public int GroupCount => _groups.Length;

    /// <summary>Cached prefixes that had to make room.</summary>
    public long Evictions => _groups.Sum(group => group.Evictions);

    /// <summary>Blocks that can be promised; those that hold a prefix and no sequence are among them.</summary>
    public int Free(int group) => _groups[group].Free;

    public int Used(int group) => _groups[group].Used;

    /// <summary>Those of the free blocks that hold a prefix.</summary>
    public int Cached(int group) => _groups[group].Cached;

    /// <summary>The most blocks that were ever in use at once.</summary>
    public int Peak(int group) => _groups[group].Peak;

    /// <summary>Check <see cref="Free(int)"/> first: an exhausted pool is the caller's mistake.</summary>
    public int Allocate(int group) => _groups[group].Allocate();

    public void Release(int group, int block) => _groups[group].Release(block);

    /// <summary>Throws unless every block is either free, resting or held, once.</summary>
    public void CheckIntegrity()
    {
        foreach (var group in _groups)
        {
            group.CheckIntegrity();
        }
    }

    /// <summary>
    /// Whether a sequence of this length finds its blocks in every group. Those of its prefix that others hold cost nothing,
    /// where no ring comes round to them.
    /// </summary>
    internal bool HasRoomFor(int length, PrefixMatch prefix)
    {
        for (var group = 0; group < _groups.Length; group++)
        {
            var shared = Spec.Groups[group].Window is null ? prefix.Held[group].Count(_groups[group].IsHeld) : 0;
            if (Spec.BlocksFor(group, length) - shared > Free(group))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The block that holds the end of this prefix, if there is one.</summary>
    internal int? Find(int group, PrefixHash prefix) => _groups[group].Find(prefix);

    /// <summary>A full block can be found from now on: steps that come later find its contents written.</summary>
    internal void Name(int group, int block, PrefixHash prefix) => _groups[group].Name(block, prefix);

    internal void Share(int group, int block) => _groups[group].Share(block);

    internal bool IsPrivate(int group, int block) => _groups[group].IsPrivate(block);

    /// <summary>The stages have forgotten what they had.</summary>
    internal void ForgetPrefixes()
    {
        foreach (var group in _groups)
        {
            group.ForgetNames();
        }
    }
}
