using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// Decides what each step computes. Knows no clock, no I/O and no threads: it is told events and answers with values, so one
/// thread has to own it. The loop around it calls <see cref="TrySchedule"/> until that returns null, sends what it got, and
/// hands every result to <see cref="Complete"/> in the order of the steps.
/// </summary>
public sealed class Scheduler
{
    private readonly SchedulerOptions _options;
    private readonly KvBlockPool _pool;
    private readonly MicrobatchRotation _rotation;
    private readonly PrefixCache _prefixes;
    private readonly AdmissionControl _admission;
    private readonly StepComposer _composer;
    private readonly Dictionary<SequenceId, Sequence> _live = [];
    private readonly Queue<StepInFlight> _inFlight = new();
    private PlanEpoch _epoch;
    private long _lastStep;
    private long _lastSequence;
    private TokenCounts _scheduled;
    private TokenCounts _lastScheduled;

    public Scheduler(SchedulerOptions options, KvCacheSpec cache)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(cache);
        options.Validate(cache);
        _options = options;
        _epoch = options.Epoch;
        _pool = new KvBlockPool(cache);
        _rotation = new MicrobatchRotation(options.Microbatches);
        _prefixes = new PrefixCache(_pool);
        _admission = new AdmissionControl(options, _pool, _rotation, _prefixes);
        _composer = new StepComposer(options, _admission, _rotation);
    }

    /// <summary>Microbatches inside the pipe.</summary>
    public int InFlight => _inFlight.Count;

    /// <summary>Whose tokens are inside the pipe.</summary>
    public IReadOnlyList<SequenceId> SequencesInFlight => [.. _inFlight.SelectMany(step => step.Sequences).Select(sequence => sequence.Id).Distinct()];

    /// <summary>Whose tokens a step in flight carries; null if no such step is.</summary>
    public IReadOnlyList<SequenceId>? SequencesOf(long step) => _inFlight.FirstOrDefault(flying => flying.Microbatch.Step == step)?.Sequences.Select(sequence => sequence.Id).ToList();

    /// <summary>Something is left to be sent or awaited. While this holds, either something is in flight or <see cref="TrySchedule"/> answers.</summary>
    public bool HasWork => _live.Count > 0 || _inFlight.Count > 0 || _admission.HasReleased;

    public SchedulerCounters Counters => new(
        _admission.RunningCount,
        _admission.WaitingCount,
        InFlight,
        Groups.Sum(_pool.Free),
        Groups.Max(group => (double)_pool.Used(group) / Math.Max(1, _pool.Used(group) + _pool.Free(group))),
        _admission.Preemptions)
    {
        UsedBlocks = Groups.Sum(_pool.Used),
        CachedBlocks = Groups.Sum(_pool.Cached),
        Prefixes = _prefixes.Counters,
        Scheduled = _scheduled,
        LastStep = _lastScheduled,
    };

    internal KvBlockPool Pool => _pool;

    private IEnumerable<int> Groups => Enumerable.Range(0, _pool.GroupCount);

    /// <summary>Puts a request in the queue. Throws <see cref="RequestRejectedException"/> if it can never be served, or if the queue is full.</summary>
    public SequenceId Add(SequenceRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        RequestLimits.Check(request, _options, _pool.Spec);
        RequestLimits.CheckQueue(_live.Count, _admission.WaitingCount, _options);
        var maxTokens = request.MaxTokens ?? _options.MaxModelLength - request.Prompt.Count;
        var sequence = new Sequence(new SequenceId(++_lastSequence), request, maxTokens, new BlockTable(_pool), _options.PrefixCaching ? _pool.Spec.BlockSize : null);
        _live.Add(sequence.Id, sequence);
        _admission.Enqueue(sequence);
        return sequence.Id;
    }

    /// <summary>
    /// The next microbatch, or null if every one is in the pipe or nobody is ready. One without slices, that only tells the
    /// stages whom to forget, is sent when the pipe is empty and there is nothing else to tell.
    /// </summary>
    public Microbatch? TrySchedule()
    {
        if (!_rotation.HasFreeSlot)
        {
            return null;
        }

        _admission.ReserveDecodeBlocks();
        _rotation.Rebalance();
        foreach (var slot in _rotation.FreeSlots)
        {
            var draft = _composer.Compose(slot);
            if (draft.Slices.Count > 0)
            {
                return Send(slot, draft);
            }
        }

        return InFlight == 0 && _admission.HasReleased ? Send(_rotation.FreeSlots.First(), new StepDraft(0)) : null;
    }

    /// <summary>
    /// Takes the result of the oldest step in flight and says what it brought, in the order of its slices. Throws
    /// <see cref="StageException"/> and changes nothing if it is another step's or does not answer what was asked.
    /// </summary>
    public IReadOnlyList<SequenceUpdate> Complete(MicrobatchResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var step = Expect(result);
        step.Verify(result);
        _inFlight.Dequeue();
        _rotation.Vacate(result.Id);
        var updates = new List<SequenceUpdate>();
        for (var index = 0; index < step.Sequences.Count; index++)
        {
            var update = Settle(step.Sequences[index], step.Microbatch.Slices[index], result.Slices[index]);
            if (update is { IsEmpty: false })
            {
                updates.Add(update);
            }
        }

        return updates;
    }

    /// <summary>
    /// Ends a sequence now: the answer is its last update, null if it had ended before. If it is in flight its blocks are
    /// freed when the last of its steps has come back, and what that brings is dropped.
    /// </summary>
    public SequenceUpdate? Cancel(SequenceId id)
    {
        if (!_live.TryGetValue(id, out var sequence))
        {
            return null;
        }

        End(sequence);
        return new SequenceUpdate { Sequence = id, FinishReason = FinishReason.Cancelled };
    }

    /// <summary>
    /// The stages of a new plan know nothing: whatever is in flight is lost, steps count from 1 again, and running sequences
    /// are computed again from their tokens so far.
    /// </summary>
    public void Restart(PlanEpoch epoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(epoch.Value, _epoch.Value);
        _epoch = epoch;
        _lastStep = 0;
        foreach (var step in _inFlight)
        {
            _rotation.Vacate(step.Microbatch.Id);
        }

        _inFlight.Clear();
        _admission.Restart();
    }

    private Microbatch Send(MicrobatchSlot slot, StepDraft draft)
    {
        var microbatch = new Microbatch
        {
            Epoch = _epoch,
            Step = ++_lastStep,
            Id = slot.Id,
            Slices = draft.Slices,
            Released = _admission.TakeReleased(),
        };
        _lastScheduled = new TokenCounts(draft.PrefillTokens, microbatch.TokenCount - draft.PrefillTokens);
        _scheduled += _lastScheduled;
        _rotation.Occupy(slot, draft.PrefillTokens > 0);
        _inFlight.Enqueue(new StepInFlight(microbatch, draft.Sequences));
        return microbatch;
    }

    private StepInFlight Expect(MicrobatchResult result)
    {
        if (result.Epoch != _epoch)
        {
            throw new StageException(StageError.WrongEpoch, $"result of step {result.Step} is of {result.Epoch}, the pipeline runs {_epoch}");
        }

        if (!_inFlight.TryPeek(out var step))
        {
            throw new StageException(StageError.OutOfOrder, $"result of step {result.Step}, but nothing is in flight; the last step was {_lastStep}");
        }

        return step.Microbatch.Step == result.Step
            ? step
            : throw new StageException(StageError.OutOfOrder, $"result of step {result.Step}, expected step {step.Microbatch.Step}");
    }

    private SequenceUpdate? Settle(Sequence sequence, SequenceSlice slice, SliceResult result)
    {
        sequence.InFlight--;
        if (sequence.Status == SequenceStatus.Finished)
        {
            _admission.Retire(sequence);
            return null;
        }

        var update = sequence.Accept(slice, result);
        if (update.FinishReason is not null)
        {
            End(sequence);
        }
        else if (update.Token is not null && !sequence.IsDecoding)
        {
            _rotation.Join(sequence);
        }

        return update;
    }

    private void End(Sequence sequence)
    {
        _live.Remove(sequence.Id);
        _admission.Retire(sequence);
    }
}
