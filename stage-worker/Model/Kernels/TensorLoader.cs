using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>Copies weights out of their source into plain tensors, piece by piece, so that no second copy of a tensor exists.</summary>
public static class TensorLoader
{
    private const long PieceBytes = 16L << 20;

    /// <summary>The rows of several tensors, one below the other: <c>[sum of rows, columns]</c>.</summary>
    public static torch.Tensor Load(IWeightSource source, IReadOnlyList<TensorSlot> slots, ElementType type, torch.Device device)
    {
        using var scope = torch.NewDisposeScope();
        var shapes = slots.Select(source.ShapeOf).ToList();
        var columns = shapes[0].Columns;
        var whole = torch.empty([shapes.Sum(shape => shape.Rows), columns], TorchTypes.ScalarTypeOf(type), device);
        var first = 0L;
        foreach (var (slot, shape) in slots.Zip(shapes))
        {
            CopyInto(whole.narrow(0, first, shape.Rows), source, slot, type);
            first += shape.Rows;
        }

        return whole.DetachFromDisposeScope();
    }

    public static torch.Tensor LoadVector(IWeightSource source, TensorSlot slot, ElementType type, torch.Device device)
    {
        using var row = Load(source, [slot], type, device); // [1, length]
        return row.view(-1).DetachFromDisposeScope();
    }

    /// <summary>Fills a tensor <c>[rows, columns]</c> with one weight.</summary>
    internal static void CopyInto(torch.Tensor target, IWeightSource source, TensorSlot slot, ElementType type)
    {
        var rowBytes = target.shape[1] * type.ByteSize();
        var step = Math.Max(1, PieceBytes / rowBytes);
        for (var row = 0L; row < target.shape[0]; row += step)
        {
            var count = Math.Min(step, target.shape[0] - row);
            using var piece = target.narrow(0, row, count);
            if (target.device_type == DeviceType.CPU)
            {
                source.CopyRows(slot, row, count, piece.bytes, type);
            }
            else
            {
                using var staging = torch.empty([count, target.shape[1]], target.dtype);
                source.CopyRows(slot, row, count, staging.bytes, type);
                piece.copy_(staging);
            }
        }
    }
}
