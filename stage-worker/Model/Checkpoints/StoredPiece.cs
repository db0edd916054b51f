using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Part of one weight as it lies in its file: some of its stored rows, or columns, one after the other.</summary>
/// <param name="Shape">Of the whole weight, in the runtime's order.</param>
/// <param name="Offset">Of the first byte inside the stored tensor.</param>
/// <param name="First">First stored row, or column.</param>
public sealed record StoredPiece(TensorSlot Slot, TensorBytes Tensor, TensorShape Shape, StoredOrder Order, long Offset, int Length, long First, int Count);
