using Pipeline.EndToEnd.Tests.Processes;

namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>Resident memory of a server and of the workers that it launched.</summary>
internal sealed record ServerMemory(long Coordinator, long Workers)
{
    // Heaps breathe; a leak of one request's buffers or one step's tensors is many times this over a test's requests.
    private const long Slack = 48L << 20;

    public static ServerMemory Of(CoordinatorServer server) => new(
        ProcessTable.ResidentBytes(server.Process.Id), ProcessTable.ChildrenOf(server.Process.Id).Sum(ProcessTable.ResidentBytes));

    public void AssertFlatSince(ServerMemory before)
    {
        Assert.True(Coordinator < before.Coordinator + Slack, $"the coordinator grew: {before} to {this}");
        Assert.True(Workers < before.Workers + Slack, $"the workers grew: {before} to {this}");
    }

    public override string ToString() => $"coordinator {Coordinator >> 20} MiB, workers {Workers >> 20} MiB";
}
