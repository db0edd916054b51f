using Pipeline.Shared.Models;

namespace Pipeline.Shared.Tests.Models;

public class ExpertRoutingTests
{
    [Fact]
    public void Route_SlideExample_WeighsTheTwoBest()
    {
        var (experts, weights) = Route([0.6f, 1.5f, 1.2f, 3.4f], topK: 2);

        Assert.Equal([3, 1], experts);
        // 1 / (1 + e^-1.9) and the rest, by hand.
        Assert.Equal(0.86989153f, weights[0], 1e-6f);
        Assert.Equal(0.13010847f, weights[1], 1e-6f);
    }

    [Fact]
    public void Route_RandomRows_EqualsSoftmaxOverAllRenormalised()
    {
        var random = new Random(20240517);
        for (var row = 0; row < 1000; row++)
        {
            var logits = RandomLogits(random, experts: random.Next(1, 17));
            var topK = random.Next(1, logits.Length + 1);
            var (experts, weights) = Route(logits, topK);

            var order = Enumerable.Range(0, logits.Length).OrderByDescending(expert => logits[expert]).ThenBy(expert => expert).Take(topK).ToArray();
            var shares = SoftmaxInDouble(logits);
            var kept = order.Sum(expert => shares[expert]);
            Assert.Equal(order, experts);
            Assert.Equal(1, weights.Sum(weight => (double)weight), 1e-6);
            Assert.All(order.Zip(weights), pair => Assert.Equal(shares[pair.First] / kept, pair.Second, 1e-6));
        }
    }

    [Fact]
    public void Route_ConstantAdded_ChangesNothing()
    {
        var random = new Random(7);
        for (var row = 0; row < 200; row++)
        {
            // Multiples of 1/64 stay exact when 1024 is added.
            var logits = Enumerable.Range(0, 8).Select(_ => random.Next(-256, 256) / 64f).ToArray();
            var plain = Route(logits, topK: 2);
            var shifted = Route([.. logits.Select(logit => logit + 1024)], topK: 2);

            Assert.Equal(plain.Experts, shifted.Experts);
            Assert.Equal(plain.Weights, shifted.Weights);
        }
    }

    [Fact]
    public void Route_AllExperts_IsPlainSoftmax()
    {
        float[] logits = [0.25f, -3, 2, 2.5f, 0];
        var (experts, weights) = Route(logits, topK: 5);
        var shares = SoftmaxInDouble(logits);

        Assert.All(experts.Zip(weights), pair => Assert.Equal(shares[pair.First], pair.Second, 1e-6));
    }

    [Theory]
    [InlineData(-80f)]
    [InlineData(0f)]
    [InlineData(1e30f)]
    public void Route_OneExpert_WeighsExactlyOne(float best) => Assert.Equal([1f], Route([best, best - 100, -1e35f], topK: 1).Weights);

    [Fact]
    public void Route_HugeLogits_DoNotOverflow() => Assert.Equal([0.5f, 0.5f], Route([1000, 1000, 999], topK: 2).Weights);

    [Fact]
    public void Route_Ties_GoToTheLowestId()
    {
        Assert.Equal([1, 2], Route([0, 5, 5, 5], topK: 2).Experts);
        Assert.Equal([0, 1], Route([1, 1, 1, 1], topK: 2).Experts);
        Assert.Equal([3, 0, 1], Route([1, 1, 1, 2], topK: 3).Experts);
    }

    [Fact]
    public void Route_NotANumber_StillNamesDistinctExperts()
    {
        var (experts, _) = Route([float.NaN, float.NaN, 1, float.NaN], topK: 3);
        Assert.Equal(3, experts.Distinct().Count(expert => expert is >= 0 and < 4));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    [InlineData(2, 3)]
    public void Route_ImpossibleSizes_AreRefused(int experts, int weights) =>
        Assert.Throws<ArgumentException>(() => ExpertRouting.Route([1, 2, 3, 4], new int[experts], new float[weights]));

    private static (int[] Experts, float[] Weights) Route(float[] logits, int topK)
    {
        var experts = new int[topK];
        var weights = new float[topK];
        ExpertRouting.Route(logits, experts, weights);
        return (experts, weights);
    }

    /// <summary>Coarse values, so that ties do occur.</summary>
    private static float[] RandomLogits(Random random, int experts) =>
        [.. Enumerable.Range(0, experts).Select(_ => random.Next(-40, 40) / 8f)];

    private static double[] SoftmaxInDouble(float[] logits)
    {
        var largest = logits.Max();
        var exponentials = logits.Select(logit => Math.Exp((double)logit - largest)).ToArray();
        var sum = exponentials.Sum();
        return [.. exponentials.Select(exponential => exponential / sum)];
    }
}
