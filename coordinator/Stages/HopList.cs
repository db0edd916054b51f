using Pipeline.Protos.Clients;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>How steps travel: into each stage in turn, and from the last one back to the coordinator.</summary>
public sealed record HopList(IReadOnlyList<TransportChoice> Hops)
{
    /// <summary>One word where all are alike, else each by its ends; a reason where shared memory was tried in vain.</summary>
    public override string ToString()
    {
        var kinds = Hops.Distinct().ToList();
        if (kinds.Count == 1)
        {
            return Describe(kinds[0]);
        }

        var between = Hops.Skip(1).SkipLast(1).Distinct().ToList();
        return Hops[0] == Hops[^1] && between.Count == 1
            ? $"{Describe(Hops[0])}, between stages {Describe(between[0])}"
            : string.Join(", ", Hops.Select((hop, index) => $"{Name(index - 1)} to {Name(index)} {Describe(hop)}"));
    }

    private static string Describe(TransportChoice hop)
    {
        var name = hop.Transport == HopTransport.CudaIpc ? "cuda ipc" : hop.Transport.ToString().ToLowerInvariant();
        return hop.Reason.Length == 0 ? name : $"{name} ({hop.Reason})";
    }

    private string Name(int stage) => stage < 0 || stage == Hops.Count - 1 ? "coordinator" : $"{stage}";
}
