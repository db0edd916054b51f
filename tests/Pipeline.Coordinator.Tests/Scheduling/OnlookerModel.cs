using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>
/// The simple model of the scheduler: believes nothing, and derives from the microbatches and updates alone who waits, who
/// decodes and who is in flight.
/// </summary>
internal sealed class OnlookerModel(SchedulerOptions options)
{
    private readonly SortedDictionary<long, TrackedSequence> _sequences = [];
    private readonly Dictionary<MicrobatchId, Microbatch> _inFlight = [];

    public int Preemptions { get; private set; }

    /// <summary>Tokens that sequences found in the cache when they were started.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Tokens that were sent into the pipe.</summary>
    public TokenCounts Scheduled { get; private set; }

    public TrackedSequence this[SequenceId id] => _sequences[id.Value];

    private IEnumerable<TrackedSequence> Waiting => _sequences.Values.Where(sequence => sequence.IsWaiting);

    public bool IsLive(SequenceId id) => _sequences.TryGetValue(id.Value, out var sequence) && sequence.Reason is null;

    public void Add(SequenceId id, SequenceRequest request)
    {
        Assert.True(_sequences.Count == 0 || id.Value > _sequences.Keys.Last());
        _sequences.Add(id.Value, new TrackedSequence(id, request));
    }

    public void Sent(Microbatch microbatch, ScenarioCoverage coverage)
    {
        Assert.InRange(microbatch.Id.Value, 0, options.Microbatches - 1);
        Assert.True(_inFlight.TryAdd(microbatch.Id, microbatch), $"{microbatch.Id} is in flight twice");
        Assert.InRange(microbatch.TokenCount, 0, options.MaxBatchedTokens);
        Assert.Equal(microbatch.Slices.Count, microbatch.Slices.Select(slice => slice.Sequence).Distinct().Count());
        foreach (var id in microbatch.Released)
        {
            Released(this[id]);
        }

        var decodes = microbatch.Slices.Count(slice => !Started(slice) && IsDecode(slice));
        Scheduled += new TokenCounts(microbatch.TokenCount - decodes, decodes);
        CheckBalance(decodes);
        CheckOrder(microbatch, decodes);
        foreach (var slice in microbatch.Slices)
        {
            coverage.ChunksFollowing += this[slice.Sequence].InFlight++ > 0 ? 1 : 0;
        }

        coverage.MixedSteps += decodes > 0 && decodes < microbatch.Slices.Count ? 1 : 0;
    }

    public void Completed(MicrobatchResult result, IReadOnlyList<SequenceUpdate> updates)
    {
        var microbatch = _inFlight[result.Id];
        _inFlight.Remove(result.Id);
        foreach (var slice in microbatch.Slices)
        {
            this[slice.Sequence].InFlight--;
        }

        var order = microbatch.Slices.Select(slice => slice.Sequence).Where(id => updates.Any(update => update.Sequence == id));
        Assert.Equal(order, updates.Select(update => update.Sequence));
        foreach (var update in updates)
        {
            this[update.Sequence].Apply(update);
        }
    }

    public void Restarted()
    {
        _inFlight.Clear();
        foreach (var sequence in _sequences.Values)
        {
            (sequence.IsStarted, sequence.IsDecoding, sequence.InFlight) = (false, false, 0);
        }
    }

    public void CheckTexts()
    {
        foreach (var sequence in _sequences.Values)
        {
            Assert.NotNull(sequence.Reason);
            sequence.CheckAgainst(SoloRun.Of(sequence.Request, options.MaxModelLength));
        }
    }

    private void Released(TrackedSequence sequence)
    {
        Assert.True(sequence.IsStarted, $"{sequence.Id} was released without being known to the stages");
        Assert.Equal(0, sequence.InFlight);
        if (sequence.Reason is null)
        {
            Preemptions++;
            Assert.Contains(_sequences.Values, other => other.IsStarted && other.Reason is null && other.IsBefore(sequence));
        }

        (sequence.IsStarted, sequence.IsDecoding) = (false, false);
    }

    /// <summary>Nobody overtakes: whoever starts comes before all who go on waiting.</summary>
    private void CheckOrder(Microbatch microbatch, int decodes)
    {
        Assert.All(microbatch.Slices.Take(decodes), slice => Assert.True(IsDecode(slice)));
        foreach (var slice in microbatch.Slices.Where(slice => slice.Start is not null))
        {
            Assert.DoesNotContain(Waiting, waiting => waiting.IsBefore(this[slice.Sequence]));
        }
    }

    /// <summary>Notes a start, and checks that a chunk stays within what was known then.</summary>
    private bool Started(SequenceSlice slice)
    {
        var sequence = this[slice.Sequence];
        Assert.Null(sequence.Reason);
        if (slice.Start is not null)
        {
            Assert.Equal(sequence.Request.Prompt.Count, slice.Start.PromptLength);
            Assert.Equal(slice.FirstPosition, slice.Start.CachedPrefix.Length);
            Assert.Equal(sequence.Request.Prompt.Concat(sequence.Text).Take(slice.FirstPosition), slice.Start.CachedPrefix);
            Assert.True(slice.FirstPosition == 0 || (options.PrefixCaching && sequence.Request is { PromptLogprobs: false, RawLogits: false }));
            CachedTokens += slice.FirstPosition;
            sequence.IsStarted = true;
            sequence.LengthAtStart = sequence.Request.Prompt.Count + sequence.Text.Count;
        }

        return slice.Start is not null;
    }

    private bool IsDecode(SequenceSlice slice)
    {
        var sequence = this[slice.Sequence];
        if (slice.FirstPosition < sequence.LengthAtStart)
        {
            Assert.InRange(slice.FirstPosition + slice.Tokens.Length, 0, sequence.LengthAtStart);
            return false;
        }

        Assert.Equal([sequence.Text[^1]], slice.Tokens);
        Assert.Equal(0, sequence.InFlight);
        return true;
    }

    private void CheckBalance(int decodes)
    {
        var active = _sequences.Values.Count(sequence => sequence.IsDecoding && sequence.Reason is null);
        Assert.InRange(decodes, 0, (active + options.Microbatches - 1) / options.Microbatches);
    }
}
