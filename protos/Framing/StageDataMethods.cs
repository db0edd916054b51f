using Google.Protobuf;
using Grpc.Core;
using Pipeline.Protos.V1;

namespace Pipeline.Protos.Framing;

/// <summary>The methods of <c>pipeline.v1.StageData</c>, declared by hand because generated stubs do not let one replace the marshaller.</summary>
public static class StageDataMethods
{
    public static Method<ForwardPiece, ForwardSummary> Forward { get; } = new(
        MethodType.ClientStreaming,
        "pipeline.v1.StageData",
        "Forward",
        ForwardPieceMarshaller.Instance,
        Marshallers.Create(message => message.ToByteArray(), ForwardSummary.Parser.ParseFrom));
}
