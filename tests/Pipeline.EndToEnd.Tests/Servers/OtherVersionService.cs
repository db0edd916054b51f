using Grpc.Core;
using Pipeline.Protos.V1;

namespace Pipeline.EndToEnd.Tests.Servers;

/// <summary>Says hello as a worker that speaks another version of the protocol.</summary>
internal sealed class OtherVersionService(int protocolVersion) : StageControl.StageControlBase
{
    public override Task<HelloReply> Hello(HelloRequest request, ServerCallContext context) =>
        Task.FromResult(new HelloReply { ProtocolVersion = protocolVersion, Device = "cpu" });
}
