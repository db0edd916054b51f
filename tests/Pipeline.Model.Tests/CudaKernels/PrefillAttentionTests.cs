using Pipeline.Shared.Models;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>
/// Attention for chunks of prompts, by the kernel for any device and by Hopper's, against a dense one in float32 over the same
/// rotated queries and the same cache.
/// </summary>
public class PrefillAttentionTests
{
    private static readonly ModelConfig Wide = TinyModels.Dense with { HeadDim = 128, HeadCount = 8, KvHeadCount = 2, HiddenSize = 64 };

    private static readonly (string Name, ModelConfig Config, int? Window, int BlockSize, (int Before, int Rows)[] Parts)[] Steps =
    [
        ("the shortest chunk", Wide, null, 16, [(0, 2)]),
        ("several prompts", Wide, null, 16, [(0, 300), (7, 1), (1000, 257), (3, 2)]),
        ("a short window", Wide, 50, 16, [(0, 300), (7, 1), (1000, 257), (3, 2)]),
        ("edges of tiles", Wide with { KvHeadCount = 1 }, 128, 1, [(127, 129), (128, 128), (129, 127)]),
        ("behind the window", Wide with { HeadCount = 4, KvHeadCount = 4 }, 129, 32, [(0, 1500)]),
        ("only itself", Wide with { HeadDim = 64, KvHeadCount = 8 }, 1, 16, [(0, 129)]),
        ("odd blocks", Wide with { HeadDim = 64, KvHeadCount = 8 }, 64, 5, [(0, 65), (200, 90)]),
        ("a ring that wraps", Wide with { HeadDim = 64 }, 1000, 16, [(1500, 640), (4000, 100)]),
    ];

    public static TheoryData<bool, string> Cases => [.. from hopper in (bool[])[false, true] from step in Steps select new TheoryDataRow<bool, string>(hopper, step.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_ChunksOfPrompts_IsDenseAttention(bool hopper, string name)
    {
        var (_, config, window, blockSize, parts) = Steps.Single(step => step.Name == name);
        using var device = new PrefillDevice(config, hopper);
        using var scope = torch.NewDisposeScope();
        var step = new PrefillStep(config, window, blockSize, parts);
        var output = device.Attend(step);
        var expected = step.Dense().reshape(-1, config.HeadDim);
        var actual = output.index_select(0, torch.tensor(step.ChunkRows)).@float().reshape(-1, config.HeadDim);
        var worst = ((actual - expected).norm(-1, false, 2) / expected.norm(-1, false, 2)).max().item<float>();
        TestContext.Current.TestOutputHelper?.WriteLine($"relative error of the worst row and head: {worst:G3}");
        Assert.True(worst < 0.01, $"the worst row and head has a relative error of {worst:G3}");
        Assert.True(device.Attend(step).bytes.SequenceEqual(output.bytes), "a second run gives other bits");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Attend_AloneOrPacked_GivesTheSameBits(bool hopper)
    {
        using var device = new PrefillDevice(Wide, hopper);
        using var scope = torch.NewDisposeScope();
        var packed = new PrefillStep(Wide, 300, 16, (0, 700), (130, 333), (1000, 258));
        var together = device.Attend(packed);
        for (var segment = 0; segment < 3; segment++)
        {
            var part = packed.Layout.Segments[segment];
            var alone = device.Attend(packed.Only(segment));
            Assert.True(alone.bytes.SequenceEqual(together.narrow(0, part.FirstRow, part.RowCount).clone().bytes), $"segment {segment} depends on its neighbours");
        }
    }
}
