namespace Pipeline.Shared.Stages;

/// <summary>How steps travel from one process of a pipeline to the next.</summary>
public enum HopTransport
{
    /// <summary>Through memory where both are on one host and see each other's, else over the network.</summary>
    Auto,

    /// <summary>Over the network, by gRPC.</summary>
    Grpc,

    /// <summary>Through memory of the host that both share.</summary>
    Ipc,

    /// <summary>Messages through memory of the host, hidden states from device to device. Nobody asks for this: it is what <see cref="Ipc"/> becomes between GPUs.</summary>
    CudaIpc,
}
