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
}
