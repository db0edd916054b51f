using System.Buffers;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;

namespace Pipeline.TestKit.Stages;

/// <summary>Hands out hidden states and knows how many of them nobody has given back.</summary>
public sealed class HiddenStatesLedger
{
    private int _live;

    public int Live => Volatile.Read(ref _live);

    /// <summary>Zeros <c>[rows, width]</c>.</summary>
    public HiddenStates Rent(int rows, int width, ElementType elementType)
    {
        Interlocked.Increment(ref _live);
        return new HiddenStates(rows, width, elementType, new Memory(this, new byte[rows * width * elementType.ByteSize()]));
    }

    private sealed class Memory(HiddenStatesLedger ledger, byte[] bytes) : IMemoryOwner<byte>
    {
        private int _disposed;

        Memory<byte> IMemoryOwner<byte>.Memory => bytes;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                Interlocked.Decrement(ref ledger._live);
            }
        }
    }
}
