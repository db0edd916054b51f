namespace Pipeline.Model.Kernels;

/// <summary>Weights of one sparse layer: the router, and for each expert gate over up in one projection, and down.</summary>
public sealed record ExpertWeights(LinearWeight Router, IReadOnlyList<LinearWeight> GateUp, IReadOnlyList<LinearWeight> Down) : IDisposable
{
    public long ByteCount => Router.ByteCount + GateUp.Concat(Down).Sum(weight => weight.ByteCount);

    public void Dispose()
    {
        Router.Dispose();
        foreach (var weight in GateUp.Concat(Down))
        {
            weight.Dispose();
        }
    }
}
