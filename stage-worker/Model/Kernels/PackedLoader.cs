using Pipeline.Model.Checkpoints;
using Pipeline.Model.CpuKernels;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Kernels;

/// <summary>Packs weights straight out of their source, piece by piece: a second copy of a weight never exists.</summary>
internal static class PackedLoader
{
    private const long PieceBytes = 8L << 20;

    /// <summary>The rows of several tensors, one below the other.</summary>
    public static PackedLinear Load(IWeightSource source, IReadOnlyList<TensorSlot> slots)
    {
        var shapes = slots.Select(source.ShapeOf).ToList();
        using var builder = new PackedLinearBuilder((int)shapes.Sum(shape => shape.Rows), (int)shapes[0].Columns);
        var first = 0;
        foreach (var (slot, shape) in slots.Zip(shapes))
        {
            CopyRows(source, slot, shape, builder, first);
            first += (int)shape.Rows;
        }

        return builder.Build();
    }

    private static void CopyRows(IWeightSource source, TensorSlot slot, TensorShape shape, PackedLinearBuilder builder, int first)
    {
        var type = source.TypeOf(slot);
        var rowBytes = shape.Columns * type.ByteSize();
        var step = (int)Math.Clamp(PieceBytes / rowBytes, 1, shape.Rows);
        var piece = new byte[step * rowBytes];
        for (var row = 0; row < shape.Rows; row += step)
        {
            var count = (int)Math.Min(step, shape.Rows - row);
            var bytes = piece.AsSpan(0, (int)(count * rowBytes));
            source.CopyRows(slot, row, count, bytes, type);
            builder.SetRows(first + row, bytes, type, count);
        }
    }
}
