using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Rows stored one after the other in the runtime's order, from some first row on (an expert's share of a stack).</summary>
internal sealed class ContiguousRows(TensorBytes tensor, int columns, long firstRow) : StoredRows(tensor, columns)
{
    // A source may be twice as long as its destination and then exceed one span.
    private const int ChunkBytes = 8 << 20;

    public override StoredOrder Order => StoredOrder.Rows;

    public override long FirstByte => firstRow * StoredRowBytes;

    public override void Copy(long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
    {
        var source = FirstByte + (rowStart * StoredRowBytes);
        var remaining = rowCount * StoredRowBytes;
        while (remaining > 0)
        {
            var length = (int)Math.Min(remaining, ChunkBytes);
            var converted = length / Tensor.Type.ByteSize() * destinationType.ByteSize();
            ElementConverter.Convert(Tensor.Slice(source, length), Tensor.Type, destination[..converted], destinationType);
            destination = destination[converted..];
            source += length;
            remaining -= length;
        }
    }
}
