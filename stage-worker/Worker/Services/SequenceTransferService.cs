using Google.Protobuf;
using Grpc.Core;
using Pipeline.Model;
using Pipeline.Model.Caching;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Services;

/// <summary>A sequence's cache as a stream of pieces, out of this stage and into it.</summary>
public static class SequenceTransferService
{
    public static async Task ExportAsync(StageSession session, ExportSequenceRequest request, PatientWriter<SequencePiece> pieces)
    {
        var shard = session.RequireShard();
        var sequences = session.RequireSequences();
        var header = await session.RunInEpochAsync(sequences, () => Describe(shard, sequences, request));
        await pieces.WriteAsync(new SequencePiece { Header = header });
        var offset = 0L;
        for (var layer = shard.Assignment.Layers.Start; layer < shard.Assignment.Layers.End; layer++)
        {
            var current = layer;
            var bytes = await session.RunInEpochAsync(sequences, () => ExportLayer(shard, sequences, header, current));
            for (var at = 0; at < bytes.Length; at += FrameLimits.PieceBytes)
            {
                var piece = UnsafeByteOperations.UnsafeWrap(bytes.AsMemory(at, Math.Min(FrameLimits.PieceBytes, bytes.Length - at)));
                await pieces.WriteAsync(new SequencePiece { Offset = offset + at, Data = piece });
            }

            offset += bytes.Length;
        }
    }

    public static async Task<ImportSequenceReply> ImportAsync(StageSession session, IAsyncStreamReader<SequencePiece> pieces, CancellationToken cancellationToken)
    {
        var shard = session.RequireShard();
        var sequences = session.RequireSequences();
        if (!await pieces.MoveNext(cancellationToken) || pieces.Current.Header is not { } header)
        {
            throw new StageException(StageError.Malformed, "an import begins with a header", session.StageIndex);
        }

        var state = await session.RunInEpochAsync(sequences, () => Prepare(shard, sequences, header));
        var transfer = new SequenceTransfer(shard.Config, shard.Cache);
        var received = 0L;
        for (var layer = shard.Assignment.Layers.Start; layer < shard.Assignment.Layers.End; layer++)
        {
            var current = layer;
            var bytes = new byte[transfer.LayerBytes(layer, header.Length)];
            received = await FillAsync(pieces, bytes, received, cancellationToken);
            await session.RunInEpochAsync(sequences, () =>
            {
                transfer.Import(state, current, header.Length, bytes);
                return true;
            });
        }

        if (await pieces.MoveNext(cancellationToken))
        {
            throw new StageException(StageError.Malformed, $"the import goes on after its {received} bytes", session.StageIndex);
        }

        await session.RunInEpochAsync(sequences, () =>
        {
            sequences.Import(state);
            return true;
        });
        return new ImportSequenceReply { Bytes = received };
    }

    private static SequenceHeader Describe(ModelShard shard, SequenceTable sequences, ExportSequenceRequest request)
    {
        CheckEpoch(request.Epoch, sequences);
        var sequence = sequences.Find(new SequenceId(request.Sequence))
            ?? throw new StageException(StageError.UnknownSequence, $"{new SequenceId(request.Sequence)} is not on this stage");
        var transfer = new SequenceTransfer(shard.Config, shard.Cache);
        var layers = shard.Assignment.Layers;
        var header = new SequenceHeader
        {
            Epoch = request.Epoch,
            Sequence = request.Sequence,
            Length = sequence.Length,
            Start = MicrobatchCodec.ToWire(sequence.Start),
            LayerStart = layers.Start,
            LayerEnd = layers.End,
            ElementType = ElementTypeCodec.ToWire(shard.Kernels.ElementType),
            KvHeadCount = shard.Config.KvHeadCount,
            HeadDim = shard.Config.HeadDim,
            DataBytes = Enumerable.Range(layers.Start, layers.Count).Sum(layer => transfer.LayerBytes(layer, sequence.Length)),
        };
        header.Tokens.AddRange(sequence.Tokens);
        header.FirstPositions.AddRange(Enumerable.Range(layers.Start, layers.Count).Select(layer => transfer.FirstPosition(layer, sequence.Length)));
        return header;
    }

    private static byte[] ExportLayer(ModelShard shard, SequenceTable sequences, SequenceHeader header, int layer)
    {
        var sequence = sequences.Find(new SequenceId(header.Sequence));
        return sequence is not null && sequence.Length == header.Length
            ? new SequenceTransfer(shard.Config, shard.Cache).Export(sequence, layer)
            : throw new StageException(StageError.OutOfOrder, $"{new SequenceId(header.Sequence)} moved on while it was exported; export between its steps");
    }

    /// <summary>Everything about an import that can be known from its header; only then is anything written.</summary>
    private static SequenceState Prepare(ModelShard shard, SequenceTable sequences, SequenceHeader header)
    {
        CheckEpoch(header.Epoch, sequences);
        CheckShape(shard, header);
        var state = sequences.Prepare(new SequenceSlice
        {
            Sequence = new SequenceId(header.Sequence),
            FirstPosition = 0,
            Tokens = [.. header.Tokens],
            BlockUpdates = MicrobatchCodec.FromWire(header.BlockUpdates),
            Start = header.Start is { } start ? MicrobatchCodec.FromWire(start) : null,
        });
        CheckContents(shard, header);
        return state;
    }

    private static void CheckShape(ModelShard shard, SequenceHeader header)
    {
        if (ElementTypeCodec.FromWire(header.ElementType) != shard.Kernels.ElementType)
        {
            throw new StageException(StageError.WrongElementType, $"the import is in {header.ElementType}, this stage computes in {shard.Kernels.ElementType}");
        }

        var layers = shard.Assignment.Layers;
        if (header.LayerStart != layers.Start || header.LayerEnd != layers.End || header.KvHeadCount != shard.Config.KvHeadCount || header.HeadDim != shard.Config.HeadDim)
        {
            throw new StageException(
                StageError.WrongShape,
                $"the import holds layers {new LayerRange(header.LayerStart, header.LayerEnd)} with {header.KvHeadCount} kv heads of {header.HeadDim}; this stage has {layers} with {shard.Config.KvHeadCount} of {shard.Config.HeadDim}");
        }
    }

    private static void CheckContents(ModelShard shard, SequenceHeader header)
    {
        var transfer = new SequenceTransfer(shard.Config, shard.Cache);
        var layers = Enumerable.Range(shard.Assignment.Layers.Start, shard.Assignment.Layers.Count).ToList();
        var bytes = layers.Sum(layer => transfer.LayerBytes(layer, header.Tokens.Count));
        if (header.Length != header.Tokens.Count || header.DataBytes != bytes || !header.FirstPositions.SequenceEqual(layers.Select(layer => transfer.FirstPosition(layer, header.Length))))
        {
            throw new StageException(
                StageError.WrongShape, $"the import announces {header.DataBytes} bytes for {header.Length} positions; with the windows of this stage its {header.Tokens.Count} tokens take {bytes}");
        }
    }

    private static async Task<long> FillAsync(IAsyncStreamReader<SequencePiece> pieces, byte[] bytes, long received, CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < bytes.Length)
        {
            if (!await pieces.MoveNext(cancellationToken))
            {
                throw new StageException(StageError.Malformed, $"the import ends after {received} bytes");
            }

            var piece = pieces.Current;
            if (piece.Offset != received || piece.Data.Length > bytes.Length - filled)
            {
                throw new StageException(StageError.Malformed, $"a piece of {piece.Data.Length} bytes at offset {piece.Offset} does not continue at {received}");
            }

            piece.Data.Span.CopyTo(bytes.AsSpan(filled));
            filled += piece.Data.Length;
            received += piece.Data.Length;
        }

        return received;
    }

    private static void CheckEpoch(long epoch, SequenceTable sequences)
    {
        if (new PlanEpoch(epoch) != sequences.Epoch)
        {
            throw new StageException(StageError.WrongEpoch, $"the transfer is of {new PlanEpoch(epoch)}, this stage is in {sequences.Epoch}");
        }
    }
}
