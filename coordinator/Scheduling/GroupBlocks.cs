using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// The blocks of one cache group: who holds how many of them, which are free, and which are free but still worth something.
/// </summary>
internal sealed class GroupBlocks(int group, KvCacheGroup shape)
{
    private readonly FreeBlockList _free = new(group, shape.BlockCount);
    private readonly CachedBlocks _cached = new(shape.BlockCount);
    private readonly int[] _holders = new int[shape.BlockCount];

    /// <summary>
    /// Blocks that are spoken for. Behind a window every holder counts, also of a shared block: when its ring comes round it
    /// needs a block of its own in that place, and must not have to wait for one in the middle of a prompt.
    /// </summary>
    public int Used { get; private set; }

    public int Free => shape.BlockCount - Used;

    public int Cached => _cached.RestingCount;

    public int Peak { get; private set; }

    public long Evictions => _cached.Evictions;

    /// <summary>The lowest free block; when all others are held or named, the named one that rested longest.</summary>
    public int Allocate()
    {
        var block = _free.Free == 0 && _cached.RestingCount > 0 ? _cached.Evict() : _free.Allocate();
        Hold(block);
        return block;
    }

    /// <summary>One more sequence reads this block.</summary>
    public void Share(int block)
    {
        if (_holders[block] == 0)
        {
            _cached.Wake(block);
        }

        Hold(block);
    }

    public void Release(int block)
    {
        Check(block);
        if (_holders[block] == 1 || shape.Window is not null)
        {
            Used--;
        }

        if (--_holders[block] == 0)
        {
            Lay(block);
        }
    }

    /// <summary>Nobody else reads it, and nobody will find it.</summary>
    public bool IsPrivate(int block) => _holders[block] == 1 && !_cached.IsNamed(block);

    public bool IsHeld(int block) => _holders[block] > 0;

    public int? Find(PrefixHash name) => _cached.Find(name);

    public void Name(int block, PrefixHash name) => _cached.Name(block, name);

    public void ForgetNames()
    {
        foreach (var block in _cached.Clear())
        {
            _free.Release(block);
        }
    }

    public void CheckIntegrity()
    {
        _free.CheckIntegrity();
        var (held, claims) = (0, 0);
        for (var block = 0; block < _holders.Length; block++)
        {
            held += _holders[block] > 0 ? 1 : 0;
            claims += shape.Window is null ? Math.Min(_holders[block], 1) : _holders[block];
            if (_holders[block] < 0 || (_holders[block] > 0 && _cached.IsResting(block)))
            {
                throw new InvalidOperationException($"block {block} of KV cache group {group} has {_holders[block]} holders and {(_cached.IsResting(block) ? "rests" : "does not rest")}");
            }
        }

        if (_free.Free + _cached.RestingCount + held != _holders.Length || claims != Used)
        {
            throw new InvalidOperationException(
                $"KV cache group {group} has {_holders.Length} blocks: {_free.Free} free, {_cached.RestingCount} resting, {held} held; {claims} claims, {Used} counted");
        }
    }

    private void Hold(int block)
    {
        if (_holders[block]++ == 0 || shape.Window is not null)
        {
            Peak = Math.Max(Peak, ++Used);
        }
    }

    private void Lay(int block)
    {
        if (_cached.IsNamed(block))
        {
            _cached.Rest(block);
        }
        else
        {
            _free.Release(block);
        }
    }

    private void Check(int block)
    {
        if (block < 0 || block >= _holders.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(block), block, $"KV cache group {group} has blocks 0 to {_holders.Length - 1}");
        }

        if (_holders[block] == 0)
        {
            throw new InvalidOperationException($"block {block} of KV cache group {group} is free already");
        }
    }
}
