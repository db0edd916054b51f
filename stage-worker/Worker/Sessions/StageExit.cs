using Pipeline.Model.DeviceHops;
using Pipeline.Protos.Clients;
using Pipeline.Protos.SharedMemory;

namespace Pipeline.StageWorker.Sessions;

/// <summary>How what a stage has computed goes on: steps to the next stage, results from the last one to the coordinator.</summary>
/// <param name="Results">The coordinator's ring, where the last stage uses one.</param>
public sealed record StageExit(TransportChoice Hop, ResultWriter? Results)
{
    /// <summary>Empty on the last stage.</summary>
    public string NextAddress { get; init; } = "";

    /// <summary>Number of the lease on the next stage.</summary>
    public long NextLease { get; init; }

    /// <summary>Device memory that the next stage reads, where it can.</summary>
    public DeviceOutbox? Outbox { get; init; }
}
