using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.Tests.CpuKernels.Lanes;

public unsafe class LaneExpTests
{
    [Fact]
    public void Exp_OverTheWholeRange_IsWithinOneUlpAndTheSameOnAllWidths()
    {
        var random = new Random(1);
        var worst = 0.0;
        for (var i = 0; i < 20_000; i++)
        {
            var x = (float)((random.NextDouble() * 176) - 87.3);
            var result = ExpOnAllWidths(x);
            var exact = Math.Exp(x);
            var ulp = Math.ScaleB(1, Math.ILogB(exact) - 23);
            worst = Math.Max(worst, Math.Abs(result - exact) / ulp);
        }

        Assert.InRange(worst, 0, 1.0);
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(float.MinValue, 0f)]
    [InlineData(-104f, 0f)]
    [InlineData(88.73f, float.PositiveInfinity)]
    [InlineData(float.MaxValue, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Exp_AtTheEdges_IsExact(float x, float expected) => Assert.Equal(expected, ExpOnAllWidths(x));

    [Theory]
    [InlineData(88.72f)]
    [InlineData(-87.4f)]
    [InlineData(-103.5f)]
    public void Exp_NearOverflowAndAmongSubnormals_StaysFiniteAndNear(float x)
    {
        var exact = Math.Exp(x);
        Assert.InRange(ExpOnAllWidths(x), exact - (exact * 1e-6) - float.Epsilon, exact + (exact * 1e-6) + float.Epsilon);
    }

    private static float ExpOnAllWidths(float x)
    {
        var widest = LaneExp.Exp<Lanes512>(x);
        Assert.Equal(BitConverter.SingleToInt32Bits(widest), BitConverter.SingleToInt32Bits(LaneExp.Exp<Lanes256>(x)));
        Assert.Equal(BitConverter.SingleToInt32Bits(widest), BitConverter.SingleToInt32Bits(LaneExp.Exp<LanesScalar>(x)));
        return widest;
    }
}
