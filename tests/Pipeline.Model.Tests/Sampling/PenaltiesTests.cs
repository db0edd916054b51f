using Pipeline.Model.Sampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.Sampling;

public class PenaltiesTests
{
    private static readonly float[] Logits = [4, -4, 2, 0, 1];

    [Fact]
    public void Apply_Nothing_LeavesTheLogits() => Assert.Equal(Logits, Apply(new SamplingParams(), [0, 1], [2]));

    /// <summary>Tokens of prompt and answer alike, each once: positive logits shrink, negative ones grow.</summary>
    [Fact]
    public void Apply_RepetitionPenalty_PushesSeenTokensDown() =>
        Assert.Equal([2, -8, 1, 0, 1], Apply(new SamplingParams { RepetitionPenalty = 2 }, [0, 0, 1], [2, 2, 3]));

    [Fact]
    public void Apply_PresenceAndFrequency_CountTheAnswerOnly()
    {
        Assert.Equal([4, -4.5f, 1.5f, 0, 1], Apply(new SamplingParams { PresencePenalty = 0.5f }, [0, 4], [1, 2, 2]));
        Assert.Equal([4, -4.25f, 1.5f, 0, 1], Apply(new SamplingParams { FrequencyPenalty = 0.25f }, [0, 4], [1, 2, 2]));
        Assert.Equal([4, -3.5f, 2.5f, 0, 1], Apply(new SamplingParams { PresencePenalty = -0.5f }, [0, 4], [1, 2, 2]));
    }

    [Fact]
    public void Apply_LogitBias_IsAddedOncePerTokenAndIgnoredOutsideTheVocabulary() => Assert.Equal(
        [4, -3, 2, 0, -99], Apply(new SamplingParams { LogitBias = new Dictionary<int, float> { [1] = 1, [4] = -100, [5] = 3, [-1] = 3 } }, [0], []));

    [Theory]
    [InlineData(0, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void Apply_MinTokens_ForbidsStopTokensUntilThen(int generated, bool isForbidden)
    {
        var scores = Apply(new SamplingParams { MinTokens = 3, StopTokenIds = [0, 2, 97, -1] }, [1, 1, 1, 1], new int[generated]);
        float[] expected = isForbidden ? [float.NegativeInfinity, -4, float.NegativeInfinity, 0, 1] : Logits;
        Assert.Equal(expected, scores);
    }

    /// <summary>A preempted sequence starts again with its answer as part of its tokens; it still counts as generated.</summary>
    [Fact]
    public void Apply_RecomputedSequence_CountsTheAnswerFromThePromptsEnd()
    {
        var sampling = new SamplingParams { FrequencyPenalty = 1 };
        var state = SamplingState.Of(sampling, prompt: [3], generated: [0, 0]);
        var scores = (float[])Logits.Clone();
        Penalties.Apply(scores, state);
        Assert.Equal([2, -4, 2, 0, 1], scores);
    }

    private static float[] Apply(SamplingParams parameters, int[] prompt, int[] generated)
    {
        var scores = (float[])Logits.Clone();
        Penalties.Apply(scores, SamplingState.Of(parameters, prompt, generated));
        return scores;
    }
}
