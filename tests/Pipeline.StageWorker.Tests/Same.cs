using Pipeline.Shared.Batching;

namespace Pipeline.StageWorker.Tests;

/// <summary>Equality of results to the last bit; record equality does not look into their lists.</summary>
internal static class Same
{
    public static void Results(IReadOnlyList<SliceResult>? expected, MicrobatchResult actual)
    {
        Assert.NotNull(expected);
        Assert.Equal(expected.Count, actual.Slices.Count);
        foreach (var (one, other) in expected.Zip(actual.Slices))
        {
            Assert.Equal(one.Sequence, other.Sequence);
            Assert.Equal(one.Logits, other.Logits);
            Assert.Equal(one.PromptLogprobs, other.PromptLogprobs);
            Assert.Equal((one.Sampled?.Token, one.Sampled?.Logprob), (other.Sampled?.Token, other.Sampled?.Logprob));
            Assert.Equal(one.Sampled?.Top ?? [], other.Sampled?.Top ?? []);
        }
    }
}
