using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Projections: our own kernels while the batch is small and the weights' bytes are what counts, cuBLAS beyond. Each has its range of
/// rows, within which the bits of a row do not depend on the others.
/// </summary>
internal sealed class CudaLinear(KernelLibrary library, CudaStream stream, Workspace workspace, Cublas cublas)
{
    private const string Family = "skinny_linear";
    private const int Threads = 256;
    private const int Half = 8; // output rows of one gated tile

    private readonly WideLinear _wide = new(library, stream);

    /// <summary>Rows up to which weights go straight to registers.</summary>
    public const int MostSkinnyRows = 8;

    /// <summary>Rows up to which our kernels here compute the experts where Hopper's do not.</summary>
    public const int MostSkinnyExpertRows = 64;

    public static bool Fits(int columns) => columns % 32 == 0;

    public torch.Tensor Forward(torch.Tensor input, TorchLinearWeight weight)
    {
        var rows = (int)input.shape[0];
        var output = workspace.Rows("linear", rows, weight.Rows);
        if (_wide.Takes(rows))
        {
            _wide.Multiply(TensorAddress.Of(input), TensorAddress.Of(weight.Tensor), TensorAddress.Of(output), rows, weight.Rows, weight.Columns, gated: false);
        }
        else if (rows > MostSkinnyRows)
        {
            cublas.Linear(TensorAddress.Of(input), TensorAddress.Of(weight.Tensor), TensorAddress.Of(output), rows, weight.Rows, weight.Columns);
        }
        else
        {
            Skinny(KernelFor((weight.Rows + (2 * Half) - 1) / (2 * Half), library.Multiprocessors), input, weight, output, weight.Rows, gated: false);
        }

        return output;
    }

    /// <summary>silu(gate) * up, the two projections lying one above the other in the weight.</summary>
    public torch.Tensor Gated(torch.Tensor input, TorchLinearWeight weight)
    {
        var rows = (int)input.shape[0];
        if (rows > MostSkinnyRows && !_wide.Takes(rows))
        {
            return SwiGlu(Forward(input, weight));
        }

        var output = workspace.Rows("gated", rows, weight.Rows / 2);
        if (_wide.Takes(rows))
        {
            _wide.Multiply(TensorAddress.Of(input), TensorAddress.Of(weight.Tensor), TensorAddress.Of(output), rows, weight.Rows / 2, weight.Columns, gated: true);
        }
        else
        {
            Skinny("gated", input, weight, output, weight.Rows / 2, gated: true);
        }

        return output;
    }

    /// <summary>One row: the norm and the projection behind it.</summary>
    public torch.Tensor NormalizedRow(torch.Tensor residual, torch.Tensor norm, float epsilon, TorchLinearWeight weight)
    {
        var output = workspace.Rows("linear", 1, weight.Rows);
        var blocks = (weight.Rows + (2 * Half) - 1) / (2 * Half);
        LaunchNormalized($"normalized_{KernelFor(blocks, library.Multiprocessors)}", blocks, residual, norm, epsilon, weight, output);
        return output;
    }

    /// <summary>One row: the norm and the gated projections behind it.</summary>
    public torch.Tensor NormalizedGatedRow(torch.Tensor residual, torch.Tensor norm, float epsilon, TorchLinearWeight weight)
    {
        var output = workspace.Rows("gated", 1, weight.Rows / 2);
        LaunchNormalized("normalized_gated", ((weight.Rows / 2) + Half - 1) / Half, residual, norm, epsilon, weight, output);
        return output;
    }

    /// <summary>One row: the projection, added to the residual in place.</summary>
    public void RowOnto(torch.Tensor residual, torch.Tensor input, TorchLinearWeight weight) =>
        Skinny("linear_onto", input, weight, residual, weight.Rows, gated: false);

    public torch.Tensor SwiGlu(torch.Tensor gateUp)
    {
        var (rows, width) = ((int)gateUp.shape[0], (int)gateUp.shape[1] / 2);
        var output = workspace.Rows("gated", rows, width);
        SwiGlu(gateUp, output);
        return output;
    }

    /// <summary>silu(gate) * up of <c>[rows, 2 * width]</c> into <c>[rows, width]</c>.</summary>
    public void SwiGlu(torch.Tensor gateUp, torch.Tensor output)
    {
        var (rows, width) = ((int)output.shape[0], (int)output.shape[1]);
        library.Function("rows", "swiglu").Launch(
            stream, ((width + (Threads * 8) - 1) / (Threads * 8), rows, 1), Threads, 0, TensorAddress.Of(gateUp), TensorAddress.Of(output), width);
    }

    /// <summary>One projection of every expert; the rows that visit each come as a sorted list.</summary>
    public void Experts(nint input, torch.Tensor weights, nint output, int batch, bool gated, nint offsets, nint inputRows)
    {
        var (experts, rows, columns) = ((int)weights.shape[0], (int)weights.shape[1], (int)weights.shape[2]);
        var (width, tiles) = VariantFor(batch);
        var outputs = gated ? rows / 2 : rows;
        var perBlock = tiles * (gated ? Half : 2 * Half);
        library.Function(Family, $"{(gated ? "experts_gated" : "experts")}_{width}").Launch(
            stream, ((outputs + perBlock - 1) / perBlock, experts, 1), Threads, 0, TensorAddress.Of(weights), input, output, rows, columns, offsets, inputRows);
    }

    /// <summary>Batch columns of the experts' kernel, and its weight tiles of 16 rows a block.</summary>
    public static (int Width, int Tiles) VariantFor(int batch) => batch switch
    {
        <= 8 => (8, 1),
        <= 16 => (16, 2),
        _ => (32, 2),
    };

    /// <summary>Two blocks a multiprocessor stream best; a grid that just does not fit runs in one go with three.</summary>
    public static string KernelFor(int blocks, int multiprocessors) =>
        blocks > 2 * multiprocessors && blocks <= 3 * multiprocessors ? "linear_3_blocks" : "linear_2_blocks";

    private void LaunchNormalized(string kernel, int blocks, torch.Tensor residual, torch.Tensor norm, float epsilon, TorchLinearWeight weight, torch.Tensor output) =>
        library.Function(Family, kernel).Launch(
            stream, (blocks, 1, 1), Threads, 0, TensorAddress.Of(weight.Tensor), TensorAddress.Of(residual), TensorAddress.Of(norm), TensorAddress.Of(output), weight.Rows, epsilon);

    private void Skinny(string kernel, torch.Tensor input, TorchLinearWeight weight, torch.Tensor output, int outputs, bool gated)
    {
        var perBlock = gated ? Half : 2 * Half;
        library.Function(Family, kernel).Launch(
            stream, ((outputs + perBlock - 1) / perBlock, 1, 1), Threads, 0,
            TensorAddress.Of(weight.Tensor), TensorAddress.Of(input), TensorAddress.Of(output), weight.Rows, weight.Columns, (int)input.shape[0]);
    }
}
