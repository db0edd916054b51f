using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Query or key rows stored for rotating interleaved pairs, handed out for rotating halves.</summary>
internal sealed class InterleavedRows(TensorBytes tensor, int columns, int headDim) : StoredRows(tensor, columns)
{
    public override StoredOrder Order => StoredOrder.InterleavedRows;

    public override long FirstByte => 0;

    public override void Copy(long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
    {
        var rowBytes = Columns * destinationType.ByteSize();
        for (var row = rowStart; row < rowStart + rowCount; row++)
        {
            var stored = Tensor.Slice(RotaryRowOrder.InterleavedRowOf(row, headDim) * StoredRowBytes, StoredRowBytes);
            ElementConverter.Convert(stored, Tensor.Type, destination[..rowBytes], destinationType);
            destination = destination[rowBytes..];
        }
    }
}
