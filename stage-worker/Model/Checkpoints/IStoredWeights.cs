using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Weights whose stored bytes can be had as they are, for a device that converts and reorders them itself.</summary>
public interface IStoredWeights : IWeightSource
{
    /// <summary>Cuts a weight into pieces of at most so many bytes, but of one stored row or column at least.</summary>
    IReadOnlyList<StoredPiece> Cut(TensorSlot slot, int mostBytes);

    /// <summary>Reads a piece; from any thread. A weight counts as read when all its pieces were.</summary>
    void Read(StoredPiece piece, Span<byte> destination);
}
