using Pipeline.Model.Caching;
using Pipeline.Model.Tests.Sampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.Caching;

public class TokenTallyTests
{
    /// <summary>Looked at after every token, as decoding does, or once at the end, as a recomputed sequence does: the same counts.</summary>
    [Theory]
    [InlineData(1f)]
    [InlineData(1.2f)]
    public void CountTokens_GrowingOrWhole_IsThePlainCount(float repetition)
    {
        var random = new Random(3);
        var sampling = new SamplingParams { RepetitionPenalty = repetition };
        int[] prompt = [.. Enumerable.Range(0, 50).Select(_ => random.Next(20))], generated = [.. Enumerable.Range(0, 60).Select(_ => random.Next(25))];
        var growing = SamplingState.Of(sampling, prompt);
        for (var i = 0; i < generated.Length; i++)
        {
            Assert.Equal(Counts(prompt, generated[..i], repetition != 1), Sorted(growing.CountTokens()));
            growing.Tokens.Add(generated[i]);
        }

        Assert.Equal(Counts(prompt, generated, repetition != 1), Sorted(growing.CountTokens()));
        Assert.Equal(Counts(prompt, generated, repetition != 1), Sorted(SamplingState.Of(sampling, prompt, generated).CountTokens()));
    }

    /// <summary>A prompt that is not all there yet has nothing generated.</summary>
    [Fact]
    public void CountTokens_PartOfThePrompt_IsSeenOnly()
    {
        var state = SamplingState.Of(new SamplingParams { RepetitionPenalty = 2 }, [4, 4, 9]);
        state.Tokens.RemoveAt(2);
        Assert.Equal([new TokenCount(4, 0)], Sorted(state.CountTokens()));
        state.Tokens.AddRange([9, 4]);
        Assert.Equal([new TokenCount(4, 1), new TokenCount(9, 0)], Sorted(state.CountTokens()));
    }

    private static TokenCount[] Sorted(ReadOnlySpan<TokenCount> counts) => [.. counts.ToArray().OrderBy(count => count.Token)];

    private static TokenCount[] Counts(int[] prompt, int[] generated, bool withPrompt) =>
    [
        .. (withPrompt ? prompt.Concat(generated) : generated).Distinct().Order().Select(token => new TokenCount(token, generated.Count(other => other == token))),
    ];
}
