using System.Buffers;
using Pipeline.Protos.V1;

namespace Pipeline.Protos.Framing;

/// <summary>
/// One message of the Forward call as the hand-written marshaller sees it: a <c>ForwardFrame</c> whose payload is not copied
/// through protobuf. The first piece of a step carries the headers.
/// </summary>
public sealed class ForwardPiece
{
    public MicrobatchHeader? Microbatch { get; init; }

    public TensorHeader? Hidden { get; init; }

    /// <summary>Where the data begins within the tensor, in bytes.</summary>
    public long Offset { get; init; }

    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Owner of <see cref="Data"/> when the piece was read from the wire; passes to whoever takes the piece.</summary>
    public IMemoryOwner<byte>? Owner { get; init; }
}
