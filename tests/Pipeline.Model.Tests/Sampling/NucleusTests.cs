using Pipeline.Model.Sampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.Sampling;

public class NucleusTests
{
    // Probabilities .5 .3 .15 .05, at ids out of order.
    private static readonly float[] Example = [Log(0.15), Log(0.5), Log(0.05), Log(0.3)];

    [Theory]
    [InlineData(0f, new[] { 1 })]
    [InlineData(0.4f, new[] { 1 })]
    [InlineData(0.6f, new[] { 1, 3 })]
    [InlineData(0.9f, new[] { 0, 1, 3 })]
    [InlineData(0.97f, new[] { 0, 1, 2, 3 })]
    [InlineData(1f, new[] { 0, 1, 2, 3 })]
    public void Select_TopP_KeepsTheTokenThatCrosses(float topP, int[] expected) => Assert.Equal(expected, Tokens(Example, new SamplingParams { TopP = topP }));

    /// <summary>A token goes only if the mass before it is strictly greater than p. Shares of a quarter are exact in binary.</summary>
    [Theory]
    [InlineData(0.25f, new[] { 0, 1 })]
    [InlineData(0.5f, new[] { 0, 1, 2 })]
    [InlineData(0.75f, new[] { 0, 1, 2, 3 })]
    public void Select_TopPEqualToAPartialSum_KeepsTheNextToken(float topP, int[] expected) =>
        Assert.Equal(expected, Tokens([2, 2, 2, 2], new SamplingParams { TopP = topP }));

    [Theory]
    [InlineData(0, new[] { 0, 1, 2, 3 })]
    [InlineData(1, new[] { 1 })]
    [InlineData(3, new[] { 0, 1, 3 })]
    [InlineData(9, new[] { 0, 1, 2, 3 })]
    public void Select_TopK_KeepsTheMostProbable(int topK, int[] expected) => Assert.Equal(expected, Tokens(Example, new SamplingParams { TopK = topK }));

    [Fact]
    public void Select_TopKAmongEquals_KeepsTheLowestIds() => Assert.Equal([1, 2], Tokens([0, 5, 5, 5], new SamplingParams { TopK = 2 }));

    [Theory]
    [InlineData(0.05f, new[] { 0, 1, 2, 3 })]
    [InlineData(0.2f, new[] { 0, 1, 3 })]
    [InlineData(0.4f, new[] { 1, 3 })]
    [InlineData(1f, new[] { 1 })]
    public void Select_MinP_MeasuresAgainstTheMostProbable(float minP, int[] expected) => Assert.Equal(expected, Tokens(Example, new SamplingParams { MinP = minP }));

    /// <summary>A token goes only if its probability is strictly less than p times the largest: among equals all stay.</summary>
    [Theory]
    [InlineData(new float[] { 2, 2, 2, 2 }, new[] { 0, 1, 2, 3 })]
    [InlineData(new float[] { 1, 2, 2, 1 }, new[] { 1, 2 })]
    public void Select_MinPEqualToTheShare_KeepsTheToken(float[] logits, int[] expected) =>
        Assert.Equal(expected, Tokens(logits, new SamplingParams { MinP = 1 }));

    /// <summary>Top-p cuts what top-k left, renormalised: of (.5, .3) the first has 62 %.</summary>
    [Fact]
    public void Select_TopKThenTopP_CutsTheRenormalisedRest()
    {
        Assert.Equal([1], Tokens(Example, new SamplingParams { TopK = 2, TopP = 0.6f }));
        Assert.Equal([1, 3], Tokens(Example, new SamplingParams { TopP = 0.6f }));
    }

    /// <summary>Many tokens with little mass each: the share that they hold together counts.</summary>
    [Fact]
    public void Select_RandomLogits_EqualsSortingEverything()
    {
        var random = new Random(22);
        for (var trial = 0; trial < 300; trial++)
        {
            var logits = new float[random.Next(1, 2000)];
            var spread = random.NextDouble() * 6;
            for (var i = 0; i < logits.Length; i++)
            {
                logits[i] = (float)(spread * random.NextDouble() * (i % 7 == 0 ? 1 : 0.3));
            }

            random.Shuffle(logits);
            var parameters = new SamplingParams
            {
                Temperature = 0.3f + random.NextSingle(),
                TopP = random.Next(4) == 0 ? 1 : random.NextSingle(),
                TopK = random.Next(2) * random.Next(200),
                MinP = random.Next(3) == 0 ? random.NextSingle() / 10 : 0,
            };
            Assert.Equal(Expected(logits, parameters), Tokens(logits, parameters));
        }
    }

    [Fact]
    public void Select_Survivors_KeepTheirRatios()
    {
        var kept = Nucleus.Select(Example, new SamplingParams { TopK = 2, Temperature = 0.5f });
        Assert.Equal(Math.Pow(0.3 / 0.5, 2), kept[1].Probability / kept[0].Probability, 1e-6);
    }

    private static int[] Expected(float[] logits, SamplingParams parameters)
    {
        var weights = logits.Select((logit, token) => (Token: token, Weight: Math.Exp(logit / (double)parameters.Temperature))).ToList();
        var kept = weights.OrderByDescending(pair => pair.Weight).ThenBy(pair => pair.Token).Take(parameters.TopK > 0 ? parameters.TopK : weights.Count).ToList();
        var total = kept.Sum(pair => pair.Weight);
        var before = 0.0;
        var nucleus = new List<(int Token, double Weight)>();
        foreach (var pair in kept)
        {
            if (parameters.TopP >= 1 || before / total <= parameters.TopP)
            {
                nucleus.Add(pair);
            }

            before += pair.Weight;
        }

        return [.. nucleus.Where(pair => pair.Weight >= parameters.MinP * nucleus[0].Weight).Select(pair => pair.Token).Order()];
    }

    private static int[] Tokens(float[] logits, SamplingParams parameters) => [.. Nucleus.Select(logits, parameters).Select(candidate => candidate.Token)];

    private static float Log(double share) => (float)Math.Log(share);
}
