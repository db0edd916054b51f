using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// Knows which blocks of the stages' KV caches are free, per cache group. Always hands out the lowest free id, so that the
/// same requests get the same blocks in every run.
/// </summary>
public sealed class KvBlockPool
{
    private readonly FreeBlockList[] _groups;

    public KvBlockPool(KvCacheSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Spec = spec;
        _groups = [.. spec.Groups.Select((group, index) => new FreeBlockList(index, group.BlockCount))];
    }

    public KvCacheSpec Spec { get; }

    public int GroupCount => _groups.Length;

    public int Free(int group) => _groups[group].Free;

    public int Used(int group) => _groups[group].Used;

    /// <summary>The most blocks that were ever in use at once.</summary>
    public int Peak(int group) => _groups[group].Peak;

    /// <summary>Check <see cref="Free(int)"/> first: an exhausted pool is the caller's mistake.</summary>
    public int Allocate(int group) => _groups[group].Allocate();

    public void Release(int group, int block) => _groups[group].Release(block);

    /// <summary>Whether a sequence of this length finds its blocks in every group.</summary>
    public bool HasRoomFor(int length)
    {
        for (var group = 0; group < _groups.Length; group++)
        {
            if (Spec.BlocksFor(group, length) > Free(group))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Throws unless every block is either free or in use, once.</summary>
    public void CheckIntegrity()
    {
        foreach (var group in _groups)
        {
            group.CheckIntegrity();
        }
    }
}
