using System.Collections.Concurrent;
using System.Numerics;

namespace Pipeline.Model.CudaRuntime;

/// <summary>Pinned buffers by power of two. Pinning takes longer than a step, so they are kept; whoever disposes one gives it back, from any thread.</summary>
internal sealed class PinnedPool : IDisposable
{
    private const int Smallest = 1 << 16;

    private readonly ConcurrentDictionary<int, ConcurrentBag<PinnedMemory>> _free = [];
    private volatile bool _closed;

    public PinnedMemory Rent(int bytes)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytes, Smallest));
        return _free.TryGetValue(size, out var bag) && bag.TryTake(out var memory) ? memory : new PinnedMemory(size, GiveBack);
    }

    public void Dispose()
    {
        _closed = true;
        foreach (var bag in _free.Values)
        {
            while (bag.TryTake(out var memory))
            {
                memory.Free();
            }
        }
    }

    private void GiveBack(PinnedMemory memory)
    {
        if (_closed)
        {
            memory.Free();
        }
        else
        {
            _free.GetOrAdd(memory.Length, _ => []).Add(memory);
        }
    }
}
