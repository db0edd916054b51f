using System.Buffers;
using Grpc.Core;

namespace Pipeline.Protos.Tests.Framing;

/// <summary>The transport's side of serializing: takes the bytes and holds the marshaller to the length it announced.</summary>
internal sealed class BufferSerializationContext : SerializationContext
{
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private int? _announced;
    private bool _complete;

    public static byte[] Bytes<T>(Marshaller<T> marshaller, T message)
    {
        var context = new BufferSerializationContext();
        marshaller.ContextualSerializer(message, context);
        Assert.True(context._complete, "the message was not completed");
        Assert.Equal(context._announced, context._buffer.WrittenCount);
        return context._buffer.WrittenSpan.ToArray();
    }

    public override void SetPayloadLength(int payloadLength) => _announced = payloadLength;

    public override IBufferWriter<byte> GetBufferWriter() => _buffer;

    public override void Complete() => _complete = true;
}
