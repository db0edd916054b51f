using Pipeline.Model.CudaKernels;

namespace Pipeline.Model.Tests.CudaKernels;

public class WidePlanTests
{
    [Theory]
    [InlineData(8, true, false)]
    [InlineData(9, true, true)]
    [InlineData(64, true, true)]
    [InlineData(65, true, false)]
    [InlineData(16, false, false)]
    public void Takes_RowsAndDevice_Decide(int batch, bool isHopper, bool expected) => Assert.Equal(expected, WidePlan.Takes(batch, isHopper));

    /// <summary>Mistral 7B on 132 multiprocessors, as it was measured.</summary>
    [Theory]
    [InlineData("qkv", 6144, false, 48, 1, 128)]
    [InlineData("out and down", 4096, false, 64, 2, 128)]
    [InlineData("gate up", 14336, true, 224, 1, 128)]
    [InlineData("head", 32000, false, 248, 1, 130)]
    [InlineData("a long head", 128256, false, 248, 1, 518)]
    public void For_Shape_GivesEveryMultiprocessorATile(string shape, int outputs, bool gated, int height, int splits, int blocks)
    {
        var plan = WidePlan.For(16, outputs, gated, 132);
        Assert.Equal((shape, height, splits, blocks), (shape, plan.Height, plan.Splits, plan.Blocks));
    }

    [Theory]
    [InlineData(9, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 32)]
    [InlineData(32, 32)]
    [InlineData(33, 64)]
    [InlineData(64, 64)]
    public void For_Batch_IsWideEnough(int batch, int width) => Assert.Equal(width, WidePlan.For(batch, 4096, gated: false, 132).Width);

    /// <summary>Whatever the shape: all outputs are there, boxes and memory are what the device takes, and the batch does not move the splits.</summary>
    [Fact]
    public void For_AnyShape_FitsTheDevice()
    {
        foreach (var multiprocessors in new[] { 78, 114, 132 })
        {
            foreach (var outputs in Enumerable.Range(1, 300).Select(i => i * 8).Concat([1, 7, 515, 4096, 14336, 32000, 33791, 70001]))
            {
                foreach (var (batch, gated) in new[] { (9, false), (32, false), (64, false), (16, true), (64, true) })
                {
                    var plan = WidePlan.For(batch, outputs, gated, multiprocessors);
                    var rows = gated ? outputs * 2 : outputs;
                    Assert.InRange(plan.Height, 8, 256);
                    Assert.Equal(0, plan.Height % (gated ? 16 : 8));
                    Assert.True(plan.Tiles * plan.Height >= rows && (plan.Tiles - 1) * plan.Height < rows, $"{plan} for {outputs}");
                    Assert.InRange(plan.Stages, 3, 24);
                    Assert.InRange(plan.SharedBytes, EndOfReads(plan), WidePlan.MostSharedBytes);
                    Assert.InRange(plan.Threads, 160, 544);
                    Assert.Equal(WidePlan.For(9, outputs, gated, multiprocessors).Splits, plan.Splits);
                }
            }
        }
    }

    /// <summary>Products read 64 rows at a time, also where a tile has fewer.</summary>
    private static int EndOfReads(WidePlan plan) => 1024 + (((plan.Stages - 1) * (plan.Height + plan.Width)) + ((plan.Height + 63) / 64 * 64)) * 128;
}
