using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>The experts, by the kernels for every device and cuBLAS and by Hopper's kernels, against float32 over the routing that the device chose.</summary>
public class ExpertsTests
{
    /// <summary>Lean: how much more likely each expert is than the next.</summary>
    private static readonly (string Name, int Experts, int Choices, int Hidden, int Intermediate, int Rows, float Lean)[] Mixes =
    [
        ("the fewest rows of wide tiles", 8, 2, 64, 96, 65, 0),
        ("the most rows of narrow tiles", 8, 2, 96, 160, 64, 60),
        ("narrow tiles", 8, 2, 160, 256, 40, 0),
        ("a few rows", 8, 2, 2080, 416, 17, 1),
        ("a row", 8, 2, 96, 416, 1, 0),
        ("one expert", 1, 1, 96, 32, 300, 0),
        ("narrow and many", 32, 2, 32, 160, 130, 0),
        ("a tile and a bit", 8, 2, 160, 256, 1290, 0),
        ("all to two", 8, 2, 96, 416, 700, 60),
        ("a long row", 4, 2, 2080, 1056, 200, 1),
        ("many rows", 8, 2, 256, 64, 4096, 0.5f),
    ];

    public static TheoryData<bool, string> Cases => [.. from hopper in (bool[])[false, true] from mix in Mixes select new TheoryDataRow<bool, string>(hopper, mix.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Mix_Rows_IsTheExpertsSum(bool hopper, string name)
    {
        using var scope = torch.NewDisposeScope();
        var mix = Mixes.Single(mix => mix.Name == name);
        var (input, router, gateUp, down) = Random(mix.Experts, mix.Hidden, mix.Intermediate, mix.Rows, mix.Lean);
        using var device = new ExpertsDevice(ConfigOf(mix.Experts, mix.Choices, mix.Hidden, mix.Intermediate), hopper, router, gateUp, down);
        var output = device.Mix(input);
        var expected = Expected(input, gateUp, down, device.Chosen, device.Shares);
        var worst = ((output.@float() - expected).norm(-1, false, 2) / expected.norm(-1, false, 2)).max().item<float>();
        TestContext.Current.TestOutputHelper?.WriteLine($"relative error of the worst row: {worst:G3}");
        Assert.True(worst < 0.02, $"the worst row has a relative error of {worst:G3}");
        Assert.True(device.Mix(input).bytes.SequenceEqual(output.bytes), "a second run gives other bits");
    }

    /// <summary>Hopper's tiles are as wide as the rows need; a row's sums are the same in all of them.</summary>
    [Fact]
    public void Mix_OnHopper_GivesARowTheSameBitsAmongOthers()
    {
        using var scope = torch.NewDisposeScope();
        var (input, router, gateUp, down) = Random(8, 160, 256, 1500, 0.5f);
        using var device = new ExpertsDevice(ConfigOf(8, 2, 160, 256), hopper: true, router, gateUp, down);
        var together = device.Mix(input);
        foreach (var (first, rows) in new[] { (0, 65), (65, 700), (1400, 100), (300, 40), (900, 64) })
        {
            var alone = device.Mix(input.narrow(0, first, rows).clone());
            Assert.True(alone.bytes.SequenceEqual(together.narrow(0, first, rows).clone().bytes), $"rows {first} to {first + rows} depend on the others");
        }
    }

    /// <summary>Every row of every weight is in exactly one place of the groups, and gate stands beside its up.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GroupsOf_Weight_CoversEveryRowOnce(bool gated)
    {
        const int experts = 3, rows = 64, columns = 32;
        var (sizes, strides) = TensorMap.GroupsOf(experts, rows, columns, gated);
        Assert.Equal([columns, 8, 2, rows / 16, experts], sizes);
        var places =
            from expert in Enumerable.Range(0, experts)
            from place in Enumerable.Range(0, rows)
            select (Expert: expert, Place: place, Row: (int)((((ulong)place % 8 * strides[0]) + ((ulong)place / 8 % 2 * strides[1]) + ((ulong)place / 16 * strides[2]) + ((ulong)expert * strides[3])) / (columns * 2)));
        Assert.Equal(Enumerable.Range(0, experts * rows), places.Select(item => item.Row).Order());
        Assert.All(places, item => Assert.Equal((item.Expert * rows) + (gated ? (item.Place / 8 % 2 * rows / 2) + (item.Place / 16 * 8) + (item.Place % 8) : item.Place), item.Row));
    }

    /// <summary>What a Hopper gives a block, less the kernel's own variables and what the driver keeps.</summary>
    [Fact]
    public void SharedBytes_OfHoppersExperts_Fit() =>
        Assert.All([HopperExperts.Few, HopperExperts.Many], tile => Assert.InRange(HopperExperts.SharedBytesFor(tile), 1, (227 * 1024) - 1024));

    private static ModelConfig ConfigOf(int experts, int choices, int hidden, int intermediate) =>
        TinyModels.Dense with { HeadDim = 64, HiddenSize = hidden, IntermediateSize = intermediate, Moe = new MoeConfig(experts, choices) };

    /// <summary>The first column of the input is constant, so that the router's is a bias.</summary>
    private static (torch.Tensor Input, torch.Tensor Router, torch.Tensor GateUp, torch.Tensor Down) Random(int experts, int hidden, int intermediate, int rows, float lean)
    {
        torch.manual_seed(7);
        var (input, router) = (torch.randn([rows, hidden]), torch.randn([experts, hidden]) / Math.Sqrt(hidden));
        input.select(1, 0).fill_(1);
        router.select(1, 0).copy_(torch.arange(experts) * -lean);
        return (
            input.bfloat16(), router.bfloat16(),
            (torch.randn([experts, 2 * intermediate, hidden]) / Math.Sqrt(hidden)).bfloat16(), (torch.randn([experts, hidden, intermediate]) / Math.Sqrt(intermediate)).bfloat16());
    }

    private static torch.Tensor Expected(torch.Tensor input, torch.Tensor gateUp, torch.Tensor down, int[] chosen, float[] shares)
    {
        var (rows, choices) = ((int)input.shape[0], chosen.Length / (int)input.shape[0]);
        var sums = torch.zeros([rows, input.shape[1]]);
        for (var expert = 0; expert < gateUp.shape[0]; expert++)
        {
            int[] pairs = [.. Enumerable.Range(0, chosen.Length).Where(pair => chosen[pair] == expert)];
            if (pairs.Length == 0)
            {
                continue;
            }

            using var scope = torch.NewDisposeScope();
            var visitors = torch.tensor(pairs.Select(pair => (long)(pair / choices)).ToArray());
            var both = input.index_select(0, visitors).@float().matmul(gateUp[expert].@float().t()).bfloat16().@float().chunk(2, -1);
            var inner = (torch.nn.functional.silu(both[0]).bfloat16().@float() * both[1]).bfloat16().@float();
            var results = inner.matmul(down[expert].@float().t()) * torch.tensor(pairs.Select(pair => shares[pair]).ToArray()).unsqueeze(1);
            sums.index_add_(0, visitors, results, 1);
        }

        return sums;
    }
}
