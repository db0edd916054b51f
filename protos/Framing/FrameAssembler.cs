using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Batching;
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
            var microbatch = MicrobatchCodec.FromWire(first.Microbatch ?? throw Malformed("a step begins without its microbatch header"));
            CheckShape(first, microbatch, limits);
            if (!limits.ExpectsHidden)
            {
                yield return new StageInput(microbatch, null);
            }
            else if (first.Owner is { } owner && first.Offset == 0 && first.Data.Length == (long)microbatch.TokenCount * limits.Width * Shared.Models.ElementTypes.ByteSize(limits.ElementType))
            {
                yield return new StageInput(microbatch, new HiddenStates(microbatch.TokenCount, limits.Width, limits.ElementType, owner));
            }
            else
            {
                yield return new StageInput(microbatch, await GatherAsync(pieces, first, microbatch, limits, cancellationToken).ConfigureAwait(false));
            }
        }
    }

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

    private static void CheckShape(ForwardPiece first, Microbatch microbatch, FrameLimits limits)
    {
        var problem = FindProblem(first, microbatch, limits);
        if (problem is not null)
        {
            first.Owner?.Dispose();
            throw problem;
        }
    }

    private static StageException? FindProblem(ForwardPiece first, Microbatch microbatch, FrameLimits limits)
    {
        if (microbatch.TokenCount > limits.MaxRows)
        {
            return new StageException(StageError.BatchTooLarge, $"step {microbatch.Step} has {microbatch.TokenCount} tokens, this stage was started for at most {limits.MaxRows}");
        }

        if (!limits.ExpectsHidden)
        {
            return first.Hidden is null && first.Data.IsEmpty ? null : new StageException(StageError.WrongShape, $"step {microbatch.Step} brings hidden states to the first stage, which takes tokens");
        }

        if (first.Hidden is not { } hidden)
        {
            return new StageException(StageError.WrongShape, $"step {microbatch.Step} brings no hidden states");
        }

        if (hidden.Rows != microbatch.TokenCount || hidden.Width != limits.Width)
        {
            return new StageException(
                StageError.WrongShape, $"step {microbatch.Step} brings hidden states [{hidden.Rows}, {hidden.Width}], expected [{microbatch.TokenCount}, {limits.Width}]");
        }

        return ElementTypeCodec.FromWire(hidden.ElementType) == limits.ElementType
            ? null
            : new StageException(StageError.WrongElementType, $"step {microbatch.Step} brings {hidden.ElementType}, this stage computes in {limits.ElementType}");
    }

    private static StageException Malformed(string message) => new(StageError.Malformed, message);
}
