using Pipeline.Model.Sampling;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Model.Tests.Sampling;

/// <summary>V-22: the choice of a token.</summary>
public class SamplerTests
{
    private static readonly double[] Shares = [0.3, 0.05, 0.2, 0.15, 0.1, 0.1, 0.08, 0.02];
    private static readonly float[] Logits = [.. Shares.Select(share => (float)Math.Log(share) + 3)];

    [Theory]
    [InlineData(new float[] { 1, 3, 3, 2 }, 1)]
    [InlineData(new float[] { 3, 1, 3 }, 0)]
    [InlineData(new float[] { float.NegativeInfinity, float.NegativeInfinity, -7 }, 2)]
    public void Sample_Greedy_TakesTheLargestAndOfTiesTheLowest(float[] logits, int expected) =>
        Assert.Equal(expected, Sampler.Sample(logits, SamplingState.Of(new SamplingParams { Temperature = 0 })).Token);

    [Fact]
    public void Sample_ManySeeds_FollowsTheDistribution() =>
        AssertDistribution(Shares, Enumerable.Range(0, 100_000).Select(seed => Draw(new SamplingParams { Seed = (ulong)seed })));

    [Fact]
    public void Sample_ManyPositions_FollowsTheDistribution() => AssertDistribution(Shares, DrawAlong(new SamplingParams { Seed = 42 }, 100_000));

    /// <summary>Neighbouring positions of one seed must not know of each other.</summary>
    [Fact]
    public void Sample_NeighbouringPositions_AreIndependent()
    {
        var draws = DrawAlong(new SamplingParams { Seed = 7 }, 100_000).ToArray();
        var pairs = Shares.SelectMany(a => Shares.Select(b => a * b)).ToArray();
        AssertDistribution(pairs, draws.Chunk(2).Select(pair => (pair[0] * Shares.Length) + pair[1]));
    }

    [Fact]
    public void Sample_Temperature_SharpensAndFlattens()
    {
        foreach (var temperature in (float[])[0.5f, 2])
        {
            var powers = Shares.Select(share => Math.Pow(share, 1 / temperature)).ToArray();
            var draws = Enumerable.Range(0, 50_000).Select(seed => Draw(new SamplingParams { Seed = (ulong)seed, Temperature = temperature }));
            AssertDistribution([.. powers.Select(power => power / powers.Sum())], draws);
        }
    }

    /// <summary>A draw belongs to seed and position: it can be repeated anywhere, and neither alone decides it.</summary>
    [Fact]
    public void Sample_SameSeedAndPosition_GivesTheSameToken()
    {
        int[] At(ulong seed) => [.. DrawAlong(new SamplingParams { Seed = seed }, 64)];
        Assert.Equal(At(5), At(5));
        Assert.NotEqual(At(5), At(6));
        Assert.True(At(5).Distinct().Count() > 1);
    }

    [Fact]
    public void Sample_TopKOne_IsGreedy()
    {
        var draws = Enumerable.Range(0, 1000).Select(seed => Draw(new SamplingParams { Seed = (ulong)seed, TopK = 1, Temperature = 5 }));
        Assert.All(draws, token => Assert.Equal(0, token));
    }

    [Fact]
    public void Sample_CutTokens_AreNeverDrawn()
    {
        var draws = Enumerable.Range(0, 5000).Select(seed => Draw(new SamplingParams { Seed = (ulong)seed, TopP = 0.45f }));
        Assert.Equal([0, 2], draws.Distinct().Order());
    }

    [Fact]
    public void Pick_TargetBeyondTheMass_IsTheLastTokenWithAShare()
    {
        Candidate[] candidates = [new(3, 0), new(4, 0.5), new(5, 0.5), new(6, 0)];
        Assert.Equal(4, Sampler.Pick(candidates, 0));
        Assert.Equal(5, Sampler.Pick(candidates, 0.5));
        Assert.Equal(5, Sampler.Pick(candidates, 1));
    }

    [Theory]
    [InlineData(0f, float.NaN)]
    [InlineData(1f, float.NaN)]
    [InlineData(0f, float.PositiveInfinity)]
    [InlineData(1f, float.PositiveInfinity)]
    public void Sample_NonFiniteLogit_IsATypedError(float temperature, float broken)
    {
        for (var at = 0; at < 3; at++)
        {
            float[] logits = [1, 2, 3];
            logits[at] = broken;
            var failure = Assert.Throws<StageException>(() => Sampler.Sample(logits, SamplingState.Of(new SamplingParams { Temperature = temperature })));
            Assert.Equal(StageError.ComputeFailed, failure.Error);
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void Sample_NothingLeft_IsATypedError(float temperature)
    {
        float[] logits = [float.NegativeInfinity, float.NegativeInfinity];
        var failure = Assert.Throws<StageException>(() => Sampler.Sample(logits, SamplingState.Of(new SamplingParams { Temperature = temperature })));
        Assert.Equal(StageError.ComputeFailed, failure.Error);
    }

    private static int Draw(SamplingParams parameters) => Sampler.Sample(Logits, SamplingState.Of(parameters)).Token;

    private static IEnumerable<int> DrawAlong(SamplingParams parameters, int count)
    {
        var state = SamplingState.Of(parameters);
        for (var i = 0; i < count; i++)
        {
            var token = Sampler.Sample(Logits, state).Token;
            state.Tokens.Add(token);
            yield return token;
        }
    }

    /// <summary>Chi-square at the 0.1 % level, by the Wilson-Hilferty approximation. The seeds are fixed: this passes always or never.</summary>
    private static void AssertDistribution(double[] shares, IEnumerable<int> draws)
    {
        var counts = new long[shares.Length];
        foreach (var draw in draws)
        {
            counts[draw]++;
        }

        var total = counts.Sum();
        var statistic = shares.Select((share, i) => Math.Pow(counts[i] - (share * total), 2) / (share * total)).Sum();
        double freedom = shares.Length - 1;
        var limit = freedom * Math.Pow(1 - (2 / (9 * freedom)) + (3.09 * Math.Sqrt(2 / (9 * freedom))), 3);
        Assert.True(statistic < limit, $"chi-square {statistic:F1} for {freedom} degrees of freedom, limit {limit:F1}");
    }
}
