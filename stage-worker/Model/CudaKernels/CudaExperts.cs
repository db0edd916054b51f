using Pipeline.Model.CudaRuntime;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// The mixture of experts. Small batches stay on the device from end to end, and on Hopper large ones too. Elsewhere large ones
/// ask once a layer how many rows each expert got, because cuBLAS wants to know.
/// </summary>
/// <param name="hopper">Products for more rows than registers are best for; null where cuBLAS makes those for many.</param>
internal sealed unsafe class CudaExperts(KernelLibrary library, CudaStream stream, Workspace workspace, CudaLinear linear, Cublas cublas, HopperExperts? hopper) : IDisposable
{
    private const string Family = "routing";
    private const int Threads = 256;

    private PinnedMemory? _offsets;

    public torch.Tensor Mix(torch.Tensor input, CudaExpertWeights weights)
    {
        var (rows, hidden) = ((int)input.shape[0], (int)input.shape[1]);
        var choices = weights.ExpertsPerToken;
        var visits = rows * choices;

        // Lists of integers live in bf16 buffers: two elements a word.
        var chosen = Words("chosen", visits);
        var shares = Words("shares", visits);
        var offsets = Words("offsets", weights.Count + 1);
        var visitRows = Words("visit rows", visits);
        var visitOf = Words("visit of", visits);
        library.Function(Family, "route").Launch(stream, (rows, 1, 1), Threads, 0, TensorAddress.Of(input), TensorAddress.Of(weights.Router.Tensor), chosen, shares);
        library.Function(Family, "sort_visits").Launch(stream, (1, 1, 1), weights.Count * 32, 0, chosen, visits, offsets, visitRows, visitOf);

        var inner = workspace.Rows("expert inner", visits, weights.Intermediate);
        var results = workspace.Rows("expert results", visits, hidden);
        if (rows <= (hopper is null ? CudaLinear.MostSkinnyExpertRows : CudaLinear.MostSkinnyRows))
        {
            linear.Experts(TensorAddress.Of(input), weights.GateUp, TensorAddress.Of(inner), rows, gated: true, offsets, visitRows);
            linear.Experts(TensorAddress.Of(inner), weights.Down, TensorAddress.Of(results), rows, gated: false, offsets, 0);
        }
        else
        {
            var gathered = workspace.Rows("expert input", visits, hidden);
            library.Function(Family, "gather_visits").Launch(stream, (visits, 1, 1), Threads, 0, TensorAddress.Of(input), visitRows, TensorAddress.Of(gathered));
            if (hopper is not null)
            {
                hopper.Multiply(gathered, rows, weights, inner, results, offsets);
            }
            else
            {
                MultiplyEach(gathered, weights, inner, results, offsets);
            }
        }

        var output = workspace.Rows("mixed", rows, hidden);
        library.Function(Family, "mix_visits").Launch(stream, (rows, 1, 1), Threads, 0, TensorAddress.Of(results), chosen, shares, visitOf, TensorAddress.Of(output));
        return output;
    }

    public void Dispose() => _offsets?.Free();

    private void MultiplyEach(torch.Tensor rows, CudaExpertWeights weights, torch.Tensor inner, torch.Tensor results, nint offsets)
    {
        var (visits, hidden, width) = ((int)rows.shape[0], (int)rows.shape[1], weights.Intermediate);
        var gateUp = workspace.Rows("expert gate up", visits, 2 * width);
        var bounds = ReadOffsets(offsets, weights.Count + 1);
        ForEach(bounds, (expert, first, count) => cublas.Linear(
            Row(rows, first), TensorAddress.Of(weights.GateUp) + (nint)((long)expert * 2 * width * hidden * 2), Row(gateUp, first), count, 2 * width, hidden));
        linear.SwiGlu(gateUp, inner);
        ForEach(bounds, (expert, first, count) => cublas.Linear(
            Row(inner, first), TensorAddress.Of(weights.Down) + (nint)((long)expert * width * hidden * 2), Row(results, first), count, hidden, width));
    }

    private static void ForEach(int[] bounds, Action<int, int, int> multiply)
    {
        for (var expert = 0; expert + 1 < bounds.Length; expert++)
        {
            if (bounds[expert + 1] > bounds[expert])
            {
                multiply(expert, bounds[expert], bounds[expert + 1] - bounds[expert]);
            }
        }
    }

    private int[] ReadOffsets(nint offsets, int count)
    {
        _offsets ??= new PinnedMemory(4096, giveBack: null);
        stream.CopyToHost(_offsets.Pointer, offsets, count * sizeof(int));
        stream.Synchronize();
        return new ReadOnlySpan<int>((void*)_offsets.Pointer, count).ToArray();
    }

    private nint Words(string role, int count) => TensorAddress.Of(workspace.Rows(role, count, 2));

    private static nint Row(torch.Tensor tensor, int row) => TensorAddress.Of(tensor) + (nint)(row * tensor.shape[1] * 2);
}
