using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>What an onlooker knows about one sequence from what went into the pipe and what came out of the scheduler.</summary>
internal sealed class TrackedSequence(SequenceId id, SequenceRequest request)
{
    private readonly List<float> _promptLogprobs = [];
    private readonly List<float> _rawLogits = [];
    private bool _hasStopToken;

    public SequenceId Id { get; } = id;

    public SequenceRequest Request { get; } = request;

    public List<int> Text { get; } = [];

    public FinishReason? Reason { get; private set; }

    /// <summary>The stages know it.</summary>
    public bool IsStarted { get; set; }

    /// <summary>It has drawn a token since its last start.</summary>
    public bool IsDecoding { get; set; }

    /// <summary>Tokens that its last start found; positions from here on are decodes.</summary>
    public int LengthAtStart { get; set; }

    public int InFlight { get; set; }

    public bool IsWaiting => !IsStarted && Reason is null;

    public bool IsBefore(TrackedSequence other) => (Request.Priority, Id.Value).CompareTo((other.Request.Priority, other.Id.Value)) < 0;

    public void Apply(SequenceUpdate update)
    {
        Assert.Null(Reason);
        if (update.Token is { } token)
        {
            IsDecoding = true;
            _hasStopToken = update.IsStopToken;
            if (!update.IsStopToken)
            {
                Text.Add(token.Token);
            }
        }

        _promptLogprobs.AddRange(update.PromptLogprobs.Span);
        _rawLogits.AddRange(update.RawLogits.Span);
        Reason = update.FinishReason;
    }

    /// <summary>Whole if it came to its own end, a beginning if it was cancelled.</summary>
    public void CheckAgainst(SoloRun expected)
    {
        if (Reason == FinishReason.Cancelled)
        {
            Assert.Equal(expected.Text.Take(Text.Count), Text);
            Assert.Equal(expected.PromptLogprobs.Take(_promptLogprobs.Count), _promptLogprobs);
            Assert.Equal(expected.RawLogits.Take(_rawLogits.Count), _rawLogits);
            return;
        }

        Assert.Equal(expected.Reason, Reason);
        Assert.Equal(expected.Reason == FinishReason.Stop, _hasStopToken);
        Assert.Equal(expected.Text, Text);
        Assert.Equal(expected.PromptLogprobs, _promptLogprobs);
        Assert.Equal(expected.RawLogits, _rawLogits);
    }
}
