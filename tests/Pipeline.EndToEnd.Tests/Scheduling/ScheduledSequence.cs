using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.EndToEnd.Tests.Scheduling;

/// <summary>What came of one sequence, and the bits of the logits of every position that was computed for it.</summary>
internal sealed class ScheduledSequence
{
    private readonly Dictionary<int, int[]> _logits = [];

    public List<SampledToken> Tokens { get; } = [];

    public List<float> PromptLogprobs { get; } = [];

    public FinishReason? Reason { get; private set; }

    public void Take(SequenceUpdate update)
    {
        Assert.Null(Reason);
        if (update.Token is { } token)
        {
            Tokens.Add(token);
        }

        PromptLogprobs.AddRange(update.PromptLogprobs.Span);
        Reason = update.FinishReason;
    }

    /// <summary>A position that is computed again, after a preemption or a restart, has the same logits again.</summary>
    public void Note(SequenceSlice slice, ReadOnlySpan<int> bits)
    {
        var width = bits.Length / slice.Tokens.Length;
        for (var row = 0; row < slice.Tokens.Length; row++)
        {
            var logits = bits.Slice(row * width, width).ToArray();
            if (!_logits.TryAdd(slice.FirstPosition + row, logits))
            {
                Assert.Equal(_logits[slice.FirstPosition + row], logits);
            }
        }
    }

    /// <summary>The same as alone: tokens, log-probabilities and, wherever something was computed, the logits to the last bit.</summary>
    public void CheckAgainst(ScheduledSequence alone)
    {
        var isCancelled = Reason == FinishReason.Cancelled;
        Assert.Equal(isCancelled ? Reason : alone.Reason, Reason);
        var tokens = isCancelled ? alone.Tokens.Take(Tokens.Count) : alone.Tokens;
        Assert.Equal(tokens.Select(token => (token.Token, token.Logprob)), Tokens.Select(token => (token.Token, token.Logprob)));
        Assert.Equal(isCancelled ? alone.PromptLogprobs.Take(PromptLogprobs.Count) : alone.PromptLogprobs, PromptLogprobs);
        foreach (var (position, logits) in _logits)
        {
            // A step that was under way at the end may have gone one position further.
            if (alone._logits.TryGetValue(position, out var expected))
            {
                Assert.True(expected.AsSpan().SequenceEqual(logits), $"the logits of position {position} differ");
            }
        }
    }
}
