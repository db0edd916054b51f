using Grpc.Core;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Framing;

/// <summary>Puts the pieces of a Forward call together again: one <see cref="StageInput"/> per step, everything checked against the limits first.</summary>
public static class FrameAssembler
{
    public static async IAsyncEnumerable<StageInput> ReadAsync(
        IAsyncStreamReader<ForwardPiece> pieces, FrameLimits limits, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (await pieces.MoveNext(cancellationToken).ConfigureAwait(false))
        {
            var first = pieces.Current;
            var microbatch = Accept(first, limits);
            if (!limits.ExpectsHidden)
            {
                first.Owner?.Dispose();
                yield return new StageInput(microbatch, null);
            }
            else if (first.Owner is { } owner && IsWhole(first, microbatch, limits))
            {
                yield return new StageInput(microbatch, new HiddenStates(microbatch.TokenCount, limits.Width, limits.ElementType, owner));
            }
            else
            {
                yield return new StageInput(microbatch, await GatherAsync(pieces, first, microbatch, limits, cancellationToken).ConfigureAwait(false));
            }
        }
    }

    private static bool IsWhole(ForwardPiece piece, Microbatch microbatch, FrameLimits limits) =>
        piece.Offset == 0 && piece.Data.Length == (long)microbatch.TokenCount * limits.Width * limits.ElementType.ByteSize();

    private static async Task<HiddenStates> GatherAsync(
        IAsyncStreamReader<ForwardPiece> pieces, ForwardPiece piece, Microbatch microbatch, FrameLimits limits, CancellationToken cancellationToken)
    {
        var hidden = HiddenStates.Rent(microbatch.TokenCount, limits.Width, limits.ElementType);
        try
        {
            for (var filled = Append(hidden, 0, piece); filled < hidden.ByteCount; filled = Append(hidden, filled, piece))
            {
                if (!await pieces.MoveNext(cancellationToken).ConfigureAwait(false))
                {
                    throw Malformed($"the stream ends after {filled} of {hidden.ByteCount} bytes of step {microbatch.Step}");
                }

                piece = pieces.Current;
                if (piece.Microbatch is not null)
                {
                    piece.Owner?.Dispose();
                    throw Malformed($"a new step begins after {filled} of {hidden.ByteCount} bytes of step {microbatch.Step}");
                }
            }

            return hidden;
        }
        catch
        {
            hidden.Dispose();
            throw;
        }
    }

    private static int Append(HiddenStates hidden, int filled, ForwardPiece piece)
    {
        using var owner = piece.Owner;
        if (piece.Offset != filled || piece.Data.Length > hidden.ByteCount - filled || (piece.Data.IsEmpty && hidden.ByteCount > 0))
        {
            throw Malformed($"a piece of {piece.Data.Length} bytes at offset {piece.Offset} does not continue a tensor of {hidden.ByteCount} bytes filled to {filled}");
        }

        piece.Data.CopyTo(hidden.Bytes[filled..]);
        return filled + piece.Data.Length;
    }

    /// <summary>The step that the piece begins. A refused piece gives its buffer back.</summary>
    private static Microbatch Accept(ForwardPiece first, FrameLimits limits)
    {
        try
        {
            var microbatch = FrameRules.Accept(first.Microbatch, first.Hidden, limits);
            return limits.ExpectsHidden || first.Data.IsEmpty
                ? microbatch
                : throw new StageException(StageError.WrongShape, $"step {microbatch.Step} brings data to the first stage, which takes tokens");
        }
        catch
        {
            first.Owner?.Dispose();
            throw;
        }
    }

    private static StageException Malformed(string message) => new(StageError.Malformed, message);
}
