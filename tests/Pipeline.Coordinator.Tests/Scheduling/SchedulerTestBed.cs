using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>A scheduler with room enough, whose draws the test decides.</summary>
internal static class SchedulerTestBed
{
    public static readonly SchedulerOptions Options = new()
    {
        Epoch = new PlanEpoch(3),
        MaxSequences = 8,
        MaxBatchedTokens = 16,
        Microbatches = 1,
        MaxModelLength = 32,
    };

    public static readonly KvCacheSpec Cache = new(4, [new KvCacheGroup(null, 8, 64)]);

    public static Scheduler Create() => new(Options, Cache);

    public static Microbatch Next(this Scheduler scheduler)
    {
        var microbatch = scheduler.TrySchedule();
        Assert.NotNull(microbatch);
        return microbatch;
    }

    public static IReadOnlyList<SequenceUpdate> Complete(this Scheduler scheduler, Microbatch microbatch, Func<SequenceSlice, int> draw) =>
        scheduler.Complete(Answer(microbatch, draw));

    /// <summary>Steps one after the other until every sequence has ended.</summary>
    public static IReadOnlyList<SequenceUpdate> Finish(this Scheduler scheduler, Func<Microbatch, SequenceSlice, int> draw)
    {
        var updates = new List<SequenceUpdate>();
        while (scheduler.Counters.Running + scheduler.Counters.Waiting > 0)
        {
            var microbatch = scheduler.Next();
            Assert.InRange(microbatch.Step, 1, 100);
            updates.AddRange(scheduler.Complete(microbatch, slice => draw(microbatch, slice)));
        }

        return updates;
    }

    /// <summary>The result that the microbatch asks for; prompt log-probabilities are the rows' positions, raw logits twice that.</summary>
    public static MicrobatchResult Answer(Microbatch microbatch, Func<SequenceSlice, int> draw) =>
        new(microbatch.Epoch, microbatch.Step, microbatch.Id, [.. microbatch.Slices.Select(slice => Answer(slice, draw))]);

    private static SliceResult Answer(SequenceSlice slice, Func<SequenceSlice, int> draw)
    {
        var positions = Enumerable.Range(slice.FirstPosition, slice.Tokens.Length).Select(position => (float)position).ToArray();
        return new SliceResult
        {
            Sequence = slice.Sequence,
            Sampled = slice.Logits.HasFlag(LogitsRequest.Sample) ? new SampledToken(draw(slice), null, []) : null,
            PromptLogprobs = slice.Logits.HasFlag(LogitsRequest.ScorePrompt) ? positions[..^(slice.NextToken is null ? 1 : 0)] : null,
            Logits = slice.Logits.HasFlag(LogitsRequest.Raw) ? [.. positions.SelectMany(position => new[] { position, 2 * position })] : null,
        };
    }
}
