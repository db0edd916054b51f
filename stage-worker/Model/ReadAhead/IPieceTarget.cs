using Pipeline.Model.Checkpoints;

namespace Pipeline.Model.ReadAhead;

/// <summary>
/// Takes the pieces that one reader reads, with buffers of its own: their number and size bound what is in memory. Used by the
/// reader's thread alone.
/// </summary>
public interface IPieceTarget : IDisposable
{
    /// <summary>A buffer for the next piece; waits until what was in it before has gone on its way.</summary>
    Span<byte> Rent(int bytes);

    /// <summary>Sends the piece in the buffer rented last to its place in a weight; may return before it is there.</summary>
    /// <param name="weight">Where the whole weight lies.</param>
    void Place(StoredPiece piece, nint weight);

    /// <summary>Waits until everything is in its place.</summary>
    void Finish();
}
