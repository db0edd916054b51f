using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>Experts one behind the other: gate over up <c>[experts, 2 * intermediate, hidden]</c> and down <c>[experts, hidden, intermediate]</c>.</summary>
internal sealed class CudaExpertWeights(TorchLinearWeight router, torch.Tensor gateUp, torch.Tensor down, int expertsPerToken) : ExpertWeights
{
    public TorchLinearWeight Router => router;

    public torch.Tensor GateUp => gateUp;

    public torch.Tensor Down => down;

    public int ExpertsPerToken => expertsPerToken;

    public int Count => (int)gateUp.shape[0];

    public int Intermediate => (int)down.shape[2];

    public override long ByteCount => router.ByteCount + ModelShard.Bytes(gateUp) + ModelShard.Bytes(down);

    public override void Dispose()
    {
        router.Dispose();
        gateUp.Dispose();
        down.Dispose();
    }
}
