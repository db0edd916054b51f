namespace Pipeline.Model.Kernels;

/// <summary>Experts as plain projections: for each of them gate over up, and down.</summary>
public sealed class TorchExpertWeights(LinearWeight router, IReadOnlyList<LinearWeight> gateUp, IReadOnlyList<LinearWeight> down, int expertsPerToken) : ExpertWeights
{
    public LinearWeight Router => router;

    public IReadOnlyList<LinearWeight> GateUp => gateUp;

    public IReadOnlyList<LinearWeight> Down => down;

    public int ExpertsPerToken => expertsPerToken;

    public override long ByteCount => router.ByteCount + gateUp.Concat(down).Sum(weight => weight.ByteCount);

    public override void Dispose()
    {
        router.Dispose();
        foreach (var weight in gateUp.Concat(down))
        {
            weight.Dispose();
        }
    }
}
