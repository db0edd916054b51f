using System.Collections.Concurrent;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.ReadAhead;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.ReadAhead;

/// <summary>Puts pieces into arrays of the stored type, as the format's description says; counts what its readers hold.</summary>
internal sealed class HostTarget(HostTarget.Weights weights) : IPieceTarget
{
    private readonly Thread _owner = Thread.CurrentThread;
    private byte[] _buffer = [];

    public Span<byte> Rent(int bytes)
    {
        Assert.Same(_owner, Thread.CurrentThread);
        weights.Rented?.Invoke(bytes);
        _buffer = new byte[bytes];
        return _buffer;
    }

    public void Place(StoredPiece piece, nint weight)
    {
        Assert.Same(_owner, Thread.CurrentThread);
        weights.Placed.Enqueue(piece);
        weights.Placing?.Invoke(piece);
        var (rows, columns) = (piece.Shape.Rows, (int)piece.Shape.Columns);
        var size = piece.Tensor.Type.ByteSize();
        var target = weights.Bytes[(int)weight].AsSpan();
        for (var i = 0; i < piece.Length / size; i++)
        {
            var unit = piece.Order == StoredOrder.Columns ? (int)rows : columns;
            var (stored, at) = (piece.First + (i / unit), i % unit);
            var (row, column) = piece.Order switch
            {
                StoredOrder.Columns => (at, stored),
                StoredOrder.InterleavedRows => (HalfRowOf(stored, weights.HeadDim), at),
                _ => (stored, (long)at),
            };
            _buffer.AsSpan(i * size, size).CopyTo(target[(int)(((row * columns) + column) * size)..]);
        }
    }

    public void Finish() => Interlocked.Increment(ref weights.Finished);

    public void Dispose() => Interlocked.Increment(ref weights.Disposed);

    private static long HalfRowOf(long row, int headDim) => (row / headDim * headDim) + (row % 2 * headDim / 2) + (row % headDim / 2);

    /// <summary>What all targets of a load fill.</summary>
    internal sealed class Weights
    {
        public int Opened;
        public int Finished;
        public int Disposed;

        public required int HeadDim { get; init; }

        public Action<int>? Rented { get; init; }

        public Action<StoredPiece>? Placing { get; init; }

        public ConcurrentDictionary<int, byte[]> Bytes { get; } = [];

        public ConcurrentQueue<StoredPiece> Placed { get; } = [];

        public IPieceTarget Open()
        {
            Interlocked.Increment(ref Opened);
            return new HostTarget(this);
        }

        /// <summary>Asks for every weight; each is poisoned before.</summary>
        public void Fill(IStoredWeights source, PieceReaders readers)
        {
            for (var i = 0; i < source.Slots.Count; i++)
            {
                var slot = source.Slots[i];
                Bytes[i] = [.. Enumerable.Repeat((byte)0xcd, (int)(source.ShapeOf(slot).ElementCount * source.TypeOf(slot).ByteSize()))];
                readers.Add(slot, i);
            }
        }
    }
}
