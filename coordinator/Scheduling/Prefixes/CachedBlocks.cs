namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>
/// The blocks of one cache group whose contents have a name, and of those the ones that nobody holds: they are as good as
/// free, but keep what they have until the room is needed. The one that rested longest goes first.
/// </summary>
internal sealed class CachedBlocks(int blockCount)
{
    private readonly Dictionary<PrefixHash, int> _blocks = [];
    private readonly PrefixHash?[] _names = new PrefixHash?[blockCount];
    private readonly LinkedList<int> _resting = new();
    private readonly LinkedListNode<int>?[] _places = new LinkedListNode<int>?[blockCount];

    /// <summary>Named blocks that nobody holds.</summary>
    public int RestingCount => _resting.Count;

    public long Evictions { get; private set; }

    public bool IsNamed(int block) => _names[block] is not null;

    public bool IsResting(int block) => _places[block] is not null;

    public int? Find(PrefixHash name) => _blocks.TryGetValue(name, out var block) ? block : null;

    /// <summary>Two sequences may compute the same prefix side by side: the first block keeps the name, the other stays nameless.</summary>
    public void Name(int block, PrefixHash name)
    {
        if (_names[block] is { } other && other != name)
        {
            throw new InvalidOperationException($"block {block} is named already, and was written again");
        }

        if (_blocks.TryAdd(name, block))
        {
            _names[block] = name;
        }
    }

    public void Rest(int block) => _places[block] = _resting.AddLast(block);

    public void Wake(int block)
    {
        _resting.Remove(_places[block] ?? throw new InvalidOperationException($"block {block} does not rest"));
        _places[block] = null;
    }

    /// <summary>The block that rested longest, without its name. Check <see cref="RestingCount"/> first.</summary>
    public int Evict()
    {
        var block = _resting.First!.Value;
        Wake(block);
        _blocks.Remove(_names[block]!.Value);
        _names[block] = null;
        Evictions++;
        return block;
    }

    /// <summary>Takes all names away; the answer is the blocks that rested and are simply free now.</summary>
    public IReadOnlyList<int> Clear()
    {
        int[] resting = [.. _resting];
        _resting.Clear();
        _blocks.Clear();
        Array.Clear(_names);
        Array.Clear(_places);
        return resting;
    }
}
