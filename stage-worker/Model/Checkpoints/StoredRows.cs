using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Where the rows of one weight lie inside a stored tensor, and how to bring them into the runtime's order.</summary>
internal abstract class StoredRows(TensorBytes tensor, int columns)
{
    protected TensorBytes Tensor { get; } = tensor;

    protected int Columns { get; } = columns;

    /// <summary>Where the weight begins inside the stored tensor; from there on it lies in one piece.</summary>
    public abstract long FirstByte { get; }

    protected int StoredRowBytes { get; } = columns * tensor.Type.ByteSize();

    public abstract void Copy(long rowStart, long rowCount, Span<byte> destination, ElementType destinationType);
}
