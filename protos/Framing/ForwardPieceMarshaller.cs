using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Pipeline.Protos.V1;

namespace Pipeline.Protos.Framing;

/// <summary>
/// Writes and reads <c>ForwardFrame</c> messages with the tags of the .proto, so that any generated peer understands them, but
/// moves the payload between the tensor's own memory and the transport's buffers with a single copy and no garbage.
/// </summary>
public static class ForwardPieceMarshaller
{
    private const byte MicrobatchTag = (1 << 3) | 2;
    private const byte HiddenTag = (2 << 3) | 2;
    private const byte OffsetTag = 3 << 3;
    private const byte DataTag = (4 << 3) | 2;

    public static Marshaller<ForwardPiece> Instance { get; } = new(Serialize, Deserialize);

    private static void Serialize(ForwardPiece piece, SerializationContext context)
    {
        var size = MessageSize(piece.Microbatch) + MessageSize(piece.Hidden)
            + (piece.Offset > 0 ? 1 + VarintSize((ulong)piece.Offset) : 0)
            + (piece.Data.Length > 0 ? 1 + VarintSize((ulong)piece.Data.Length) + piece.Data.Length : 0);
        context.SetPayloadLength(size);
        var writer = context.GetBufferWriter();
        WriteMessage(writer, MicrobatchTag, piece.Microbatch);
        WriteMessage(writer, HiddenTag, piece.Hidden);
        if (piece.Offset > 0)
        {
            WriteTag(writer, OffsetTag, (ulong)piece.Offset);
        }

        if (piece.Data.Length > 0)
        {
            WriteTag(writer, DataTag, (ulong)piece.Data.Length);
            writer.Write(piece.Data.Span);
        }

        context.Complete();
    }

    private static ForwardPiece Deserialize(DeserializationContext context)
    {
        var reader = new SequenceReader<byte>(context.PayloadAsReadOnlySequence());
        MicrobatchHeader? microbatch = null;
        TensorHeader? hidden = null;
        long offset = 0;
        IMemoryOwner<byte>? owner = null;
        var length = 0;
        try
        {
            while (!reader.End)
            {
                switch (ReadVarint(ref reader))
                {
                    case MicrobatchTag:
                        microbatch = MicrobatchHeader.Parser.ParseFrom(ReadBytes(ref reader));
                        break;
                    case HiddenTag:
                        hidden = TensorHeader.Parser.ParseFrom(ReadBytes(ref reader));
                        break;
                    case OffsetTag:
                        offset = checked((long)ReadVarint(ref reader));
                        break;
                    case DataTag:
                        var data = ReadBytes(ref reader);
                        length = (int)data.Length;
                        owner?.Dispose();
                        owner = MemoryPool<byte>.Shared.Rent(length);
                        data.CopyTo(owner.Memory.Span);
                        break;
                    case var unknown:
                        throw Malformed($"unknown field tag {unknown}");
                }
            }
        }
        catch (Exception exception)
        {
            owner?.Dispose();
            throw exception is RpcException ? exception : Malformed(exception.Message);
        }

        return new ForwardPiece { Microbatch = microbatch, Hidden = hidden, Offset = offset, Owner = owner, Data = owner?.Memory[..length] ?? default };
    }

    private static int MessageSize(IMessage? message)
    {
        if (message is null)
        {
            return 0;
        }

        var size = message.CalculateSize();
        return 1 + VarintSize((ulong)size) + size;
    }

    private static void WriteMessage(IBufferWriter<byte> writer, byte tag, IMessage? message)
    {
        if (message is not null)
        {
            WriteTag(writer, tag, (ulong)message.CalculateSize());
            message.WriteTo(writer);
        }
    }

    private static void WriteTag(IBufferWriter<byte> writer, byte tag, ulong value)
    {
        var span = writer.GetSpan(11);
        span[0] = tag;
        var count = 1;
        for (; value >= 0x80; value >>= 7)
        {
            span[count++] = (byte)(value | 0x80);
        }

        span[count++] = (byte)value;
        writer.Advance(count);
    }

    private static int VarintSize(ulong value) => Math.Max(1, (70 - System.Numerics.BitOperations.LeadingZeroCount(value)) / 7);

    private static ulong ReadVarint(ref SequenceReader<byte> reader)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (!reader.TryRead(out var next))
            {
                throw Malformed("the message ends inside a number");
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Malformed("a number is longer than 64 bits");
    }

    private static ReadOnlySequence<byte> ReadBytes(ref SequenceReader<byte> reader)
    {
        var length = ReadVarint(ref reader);
        if (length > (ulong)reader.Remaining)
        {
            throw Malformed($"a field announces {length} bytes, {reader.Remaining} are left");
        }

        var bytes = reader.UnreadSequence.Slice(0, (long)length);
        reader.Advance((long)length);
        return bytes;
    }

    private static RpcException Malformed(string message) =>
        Codec.StageErrorCodec.ToRpc(new(Shared.Stages.StageError.Malformed, $"not a ForwardFrame: {message}"));
}
