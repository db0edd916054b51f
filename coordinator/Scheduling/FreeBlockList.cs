namespace Pipeline.Coordinator.Scheduling;

/// <summary>The free blocks of one cache group, lowest id first.</summary>
internal sealed class FreeBlockList
{
    private readonly int _group;
    private readonly bool[] _used;
    private readonly PriorityQueue<int, int> _free = new();

    public FreeBlockList(int group, int blockCount)
    {
        _group = group;
        _used = new bool[blockCount];
        _free.EnqueueRange(Enumerable.Range(0, blockCount).Select(block => (block, block)));
    }

    public int Free => _free.Count;

    public int Allocate()
    {
        if (!_free.TryDequeue(out var block, out _))
        {
            throw new InvalidOperationException($"all {_used.Length} blocks of KV cache group {_group} are in use");
        }

        _used[block] = true;
        return block;
    }

    public void Release(int block)
    {
        _used[block] = false;
        _free.Enqueue(block, block);
    }

    public void CheckIntegrity()
    {
        var free = _free.UnorderedItems.Select(item => item.Element).ToHashSet();
        for (var block = 0; block < _used.Length; block++)
        {
            if (free.Contains(block) == _used[block])
            {
                throw new InvalidOperationException($"block {block} of KV cache group {_group} is {(_used[block] ? "both free and in use" : "lost")}");
            }
        }

        if (free.Count != _free.Count)
        {
            throw new InvalidOperationException($"KV cache group {_group} lists a free block twice");
        }
    }
}
