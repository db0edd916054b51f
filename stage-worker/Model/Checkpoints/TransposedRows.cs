using System.Buffers;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>An expert's down projection inside a stack that stores it transposed: its rows are the columns of a block.</summary>
internal sealed class TransposedRows(TensorBytes tensor, int rows, int columns, int expert) : StoredRows(tensor, columns)
{
    // One cache line of 16-bit elements: every line of the file is then visited once.
    private const int TileRows = 32;

    public override StoredOrder Order => StoredOrder.Columns;

    public override int UnitBytes => rows * Tensor.Type.ByteSize();

    public override long FirstByte => (long)expert * Columns * rows * Tensor.Type.ByteSize();

    public override void Copy(long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
    {
        var tile = ArrayPool<byte>.Shared.Rent(TileRows * StoredRowBytes);
        for (var row = rowStart; row < rowStart + rowCount; row += TileRows)
        {
            var count = (int)Math.Min(TileRows, rowStart + rowCount - row);
            var converted = count * Columns * destinationType.ByteSize();
            Gather(row, count, tile);
            ElementConverter.Convert(tile.AsSpan(0, count * StoredRowBytes), Tensor.Type, destination[..converted], destinationType);
            destination = destination[converted..];
        }

        ArrayPool<byte>.Shared.Return(tile);
    }

    private void Gather(long row, int count, Span<byte> tile)
    {
        var size = Tensor.Type.ByteSize();
        for (var column = 0; column < Columns; column++)
        {
            var stored = Tensor.Slice(FirstByte + ((((long)column * rows) + row) * size), count * size); // [count] of [rows]
            for (var i = 0; i < count; i++)
            {
                stored.Slice(i * size, size).CopyTo(tile[(((i * Columns) + column) * size)..]);
            }
        }
    }
}
