using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>Projections of 9 to 64 rows on Hopper against float64.</summary>
public class WideLinearTests
{
    private const double RoundingOfBFloat16 = 2.2e-3;

    public static TheoryData<int, int, bool> Shapes => new()
    {
        { 6144, 4096, false }, { 4096, 4096, false }, { 14336, 4096, true }, { 4096, 14336, false }, { 32000, 4096, false },
        { 515, 416, false }, { 33, 32, false }, { 7, 96, false }, { 50257, 768, false }, { 70000, 64, false }, { 416, 256, true }, { 40, 4064, true },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Multiply_AnyBatch_IsTheProductAndKeepsTheBitsOfARow(int outputs, int columns, bool gated)
    {
        var device = Gpu.RequireHopper();
        using var scope = torch.NewDisposeScope();
        var cuda = CudaDevice.Open(0);
        cuda.MakeCurrent();
        _ = KnownModels.TryGet("mistral-7b-v0.1", out var config);
        using var library = new KernelLibrary(cuda, config!, CubinCache.ForUser());
        using var stream = new CudaStream();
        var wide = new WideLinear(library, stream);
        torch.manual_seed(outputs + columns);
        var weight = torch.randn([gated ? 2 * outputs : outputs, columns], torch.ScalarType.BFloat16, device);
        var input = torch.randn([WidePlan.MostRows, columns], torch.ScalarType.BFloat16, device);
        var expected = Reference(input, weight, gated);
        var whole = Multiply(input);
        foreach (var batch in new[] { 9, 16, 17, 30, 33 })
        {
            // The last rows of the input: each in another place than before.
            Assert.True(Multiply(input[(WidePlan.MostRows - batch)..]).eq(whole[(WidePlan.MostRows - batch)..]).all().ToBoolean(), $"other bits with {batch} rows");
        }

        var error = ((whole.to(torch.ScalarType.Float64) - expected).norm() / expected.norm()).ToDouble();
        Assert.True(error < RoundingOfBFloat16, $"relative error {error:G3}");

        torch.Tensor Multiply(torch.Tensor rows)
        {
            var batch = (int)rows.shape[0];
            var output = torch.full([batch + 1, outputs], double.NaN, torch.ScalarType.BFloat16, device);
            torch.cuda.synchronize(device);
            wide.Multiply(TensorAddress.Of(rows), TensorAddress.Of(weight), TensorAddress.Of(output), batch, outputs, columns, gated);
            stream.Synchronize();
            Assert.True(torch.isnan(output[batch]).all().ToBoolean(), "a row beyond the batch was written");
            return output[..batch];
        }
    }

    private static torch.Tensor Reference(torch.Tensor input, torch.Tensor weight, bool gated)
    {
        var product = input.to(torch.ScalarType.Float64).matmul(weight.to(torch.ScalarType.Float64).t());
        if (!gated)
        {
            return product;
        }

        var parts = product.to(torch.ScalarType.BFloat16).to(torch.ScalarType.Float64).chunk(2, 1);
        return torch.nn.functional.silu(parts[0]).to(torch.ScalarType.BFloat16).to(torch.ScalarType.Float64) * parts[1];
    }
}
