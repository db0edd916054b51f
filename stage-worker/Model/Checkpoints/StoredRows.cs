using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Where the rows of one weight lie inside a stored tensor, and how to bring them into the runtime's order.</summary>
internal abstract class StoredRows(TensorBytes tensor, int columns)
{
    protected TensorBytes Tensor { get; } = tensor;

    protected int Columns { get; } = columns;

    /// <summary>Where the weight begins inside the stored tensor; from there on it lies in one piece.</summary>
    public abstract long FirstByte { get; }

    public abstract StoredOrder Order { get; }

    /// <summary>Bytes of a stored row, or of a stored column.</summary>
    public virtual int UnitBytes => StoredRowBytes;

    protected int StoredRowBytes { get; } = columns * tensor.Type.ByteSize();

    /// <summary>The weight's stored bytes in pieces, in the order of the file.</summary>
    public IReadOnlyList<StoredPiece> Cut(TensorSlot slot, TensorShape shape, int mostBytes)
    {
        var units = shape.ElementCount * Tensor.Type.ByteSize() / UnitBytes;
        var step = Math.Max(1, mostBytes / UnitBytes);
        var pieces = new List<StoredPiece>();
        for (var first = 0L; first < units; first += step)
        {
            var count = (int)Math.Min(step, units - first);
            pieces.Add(new StoredPiece(slot, Tensor, shape, Order, FirstByte + (first * UnitBytes), count * UnitBytes, first, count));
        }

        return pieces;
    }

    public abstract void Copy(long rowStart, long rowCount, Span<byte> destination, ElementType destinationType);
}
