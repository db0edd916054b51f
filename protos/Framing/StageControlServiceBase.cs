using Grpc.Core;
using Pipeline.Protos.V1;

namespace Pipeline.Protos.Framing;

/// <summary>Server side of <c>pipeline.v1.StageControl</c> that answers what it cannot read with a typed error.</summary>
[BindServiceMethod(typeof(StageControlServiceBase), nameof(BindService))]
public abstract class StageControlServiceBase : StageControl.StageControlBase
{
    public static void BindService(ServiceBinderBase serviceBinder, StageControl.StageControlBase? serviceImpl) =>
        StageControl.BindService(new TypedErrorsBinder(serviceBinder), serviceImpl!);
}
