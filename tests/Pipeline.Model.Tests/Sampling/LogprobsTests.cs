using Pipeline.Model.Sampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.Sampling;

public class LogprobsTests
{
    private static readonly float[] Logits = [1000, 1001, 999, 1001];

    [Fact]
    public void Of_EveryToken_SumsToOneAndDoesNotOverflow()
    {
        var shares = Enumerable.Range(0, 4).Select(token => Math.Exp(Logprobs.Of(Logits, token))).ToArray();
        Assert.Equal(1, shares.Sum(), 1e-6);
        Assert.Equal(Math.E, shares[1] / shares[0], 1e-5);
    }

    [Theory]
    [InlineData(0, new int[0])]
    [InlineData(2, new[] { 1, 3 })]
    [InlineData(3, new[] { 1, 3, 0 })]
    [InlineData(9, new[] { 1, 3, 0, 2 })]
    public void Describe_Alternatives_AreBestFirstAndOfTiesTheLowest(int count, int[] expected)
    {
        var described = Logprobs.Describe(Logits, token: 2, count);
        Assert.Equal(2, described.Token);
        Assert.Equal(Logprobs.Of(Logits, 2), described.Logprob);
        Assert.Equal(expected, described.Top.Select(top => top.Token));
        Assert.All(described.Top, top => Assert.Equal(Logprobs.Of(Logits, top.Token), top.Logprob));
    }

    [Fact]
    public void Sample_WithoutLogprobs_ReportsNone()
    {
        var sampled = Sampler.Sample(Logits, SamplingState.Of(new SamplingParams { Temperature = 0 }));
        Assert.Null(sampled.Logprob);
        Assert.Empty(sampled.Top);
    }

    /// <summary>Temperature, penalties, bias and cuts choose the token; the number reported is of the raw logits.</summary>
    [Fact]
    public void Sample_ChangedScores_ReportsTheRawDistribution()
    {
        var parameters = new SamplingParams
        {
            Temperature = 0,
            Logprobs = 1,
            RepetitionPenalty = 3,
            LogitBias = new Dictionary<int, float> { [2] = 5000 },
        };
        var sampled = Sampler.Sample(Logits, SamplingState.Of(parameters, [1, 3]));
        Assert.Equal(2, sampled.Token);
        Assert.Equal(Logprobs.Of(Logits, 2), sampled.Logprob);
        Assert.Equal(1, sampled.Top[0].Token);
    }
}
