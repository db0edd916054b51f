using Grpc.Core;
using Pipeline.Protos.V1;

namespace Pipeline.Protos.Framing;

/// <summary>Server side of <c>pipeline.v1.StageData</c> with the hand-written marshaller.</summary>
[BindServiceMethod(typeof(StageDataServiceBase), nameof(BindService))]
public abstract class StageDataServiceBase
{
    public abstract Task<ForwardSummary> Forward(IAsyncStreamReader<ForwardPiece> requestStream, ServerCallContext context);

    public static void BindService(ServiceBinderBase serviceBinder, StageDataServiceBase? serviceImpl) =>
        serviceBinder.AddMethod(
            StageDataMethods.Forward,
            serviceImpl is null ? null! : new ClientStreamingServerMethod<ForwardPiece, ForwardSummary>(serviceImpl.Forward));
}
