using Pipeline.Protos.Clients;
using Pipeline.Protos.SharedMemory;

namespace Pipeline.StageWorker.Sessions;

/// <summary>How what a stage has computed goes on: steps to the next stage, results from the last one to the coordinator.</summary>
/// <param name="Results">The coordinator's ring, where the last stage uses one.</param>
/// <param name="NextAddress">Empty on the last stage.</param>
/// <param name="NextLease">Number of the lease on the next stage.</param>
public sealed record StageExit(TransportChoice Hop, ResultWriter? Results, string NextAddress, long NextLease);
