using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// Gives a shard its weights, row by row and in the order that the runtime computes with (query and key rows for rotating
/// halves). Rows may be copied from several threads at once.
/// </summary>
public interface IWeightSource : IDisposable
{
    /// <summary>The weights of this shard, in the order of computation. Each must be read, no other can be.</summary>
    IReadOnlyList<TensorSlot> Slots { get; }

    /// <summary>Bytes of the shard as they are stored: what progress adds up to.</summary>
    long TotalBytes { get; }

    TensorShape ShapeOf(TensorSlot slot);

    /// <summary>Element type in which the weight is stored.</summary>
    ElementType TypeOf(TensorSlot slot);

    /// <summary>
    /// Copies rows, converting them to the wanted element type. A vector is one row. Destination must be exactly as long as
    /// the rows; a weight beyond 2 GiB is copied in several calls.
    /// </summary>
    void CopyRows(TensorSlot slot, long rowStart, long rowCount, Span<byte> destination, ElementType destinationType);

    /// <summary>Makes sure that every row of every weight was copied; otherwise names the weight.</summary>
    void Finish();
}
