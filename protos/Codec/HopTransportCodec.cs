using Pipeline.Shared.Stages;
using Wire = Pipeline.Protos.V1.HopTransport;

namespace Pipeline.Protos.Codec;

public static class HopTransportCodec
{
    public static Wire ToWire(HopTransport transport) => transport switch
    {
        HopTransport.Auto => Wire.Auto,
        HopTransport.Grpc => Wire.Grpc,
        HopTransport.Ipc => Wire.Ipc,
        HopTransport.CudaIpc => Wire.CudaIpc,
        _ => throw new ArgumentOutOfRangeException(nameof(transport), transport, "unknown transport"),
    };

    public static HopTransport FromWire(Wire transport) => transport switch
    {
        Wire.Auto => HopTransport.Auto,
        Wire.Grpc => HopTransport.Grpc,
        Wire.Ipc => HopTransport.Ipc,
        Wire.CudaIpc => HopTransport.CudaIpc,
        _ => throw new StageException(StageError.Malformed, $"unknown transport {(int)transport}"),
    };
}
