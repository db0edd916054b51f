using System.Buffers;
using Grpc.Core;

namespace Pipeline.Protos.Tests.Framing;

/// <summary>The transport's side of deserializing: a payload in segments, as a socket delivers it.</summary>
internal sealed class SegmentedDeserializationContext(byte[] payload, int segmentBytes) : DeserializationContext
{
    public override int PayloadLength => payload.Length;

    public static T Read<T>(Marshaller<T> marshaller, byte[] payload, int segmentBytes) =>
        marshaller.ContextualDeserializer(new SegmentedDeserializationContext(payload, segmentBytes));

    public override byte[] PayloadAsNewBuffer() => [.. payload];

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence()
    {
        if (payload.Length == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        var first = new Segment(payload.AsMemory(0, Math.Min(segmentBytes, payload.Length)), null);
        var last = first;
        for (var begin = segmentBytes; begin < payload.Length; begin += segmentBytes)
        {
            last = new Segment(payload.AsMemory(begin, Math.Min(segmentBytes, payload.Length - begin)), last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}
