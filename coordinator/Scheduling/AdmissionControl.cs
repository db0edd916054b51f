using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// Decides who holds cache blocks: admits waiting sequences in order, reserves the blocks of decodes, and when there are
/// none takes them from the last in order: of the least urgent the youngest. The first in order therefore always advances,
/// and among equals everybody's turn comes.
/// </summary>
internal sealed class AdmissionControl(SchedulerOptions options, KvBlockPool pool, MicrobatchRotation rotation, PrefixCache prefixes)
{
    private readonly SortedSet<Sequence> _waiting = new(SequenceOrder.Instance);
    private readonly SortedSet<Sequence> _running = new(SequenceOrder.Instance);
    private List<SequenceId> _released = [];

    public int WaitingCount => _waiting.Count;

    public int RunningCount => _running.Count;

    public long Preemptions { get; private set; }

    public bool HasReleased => _released.Count > 0;

    /// <summary>Admitted sequences with prompt tokens to send, in order.</summary>
    public IEnumerable<Sequence> Prefilling => _running.Where(
        sequence => sequence.Status == SequenceStatus.Running && !sequence.IsDecoding && sequence.PendingTokens > 0);

    /// <summary>Prompt tokens to send, of the admitted and of those for whom there are seats.</summary>
    public int PendingPrefillTokens =>
        Prefilling.Concat(_waiting.Take(options.MaxSequences - _running.Count)).Sum(sequence => sequence.PendingTokens);

    /// <summary>The next to be admitted, if it can be now. Nobody overtakes it, so it waits only for those before it.</summary>
    public AdmissionOffer? NextAdmissible
    {
        get
        {
            if (_waiting.Min is not { } head || _running.Count >= options.MaxSequences || _released.Contains(head.Id))
            {
                return null;
            }

            var prefix = prefixes.Find(head);
            return HasBlocksFor(head, prefix) ? new AdmissionOffer(head, prefix, head.Length - (prefix.Blocks * pool.Spec.BlockSize)) : null;
        }
    }

    /// <summary>A preempted sequence goes before all that came after it, for the order is that of the requests.</summary>
    public void Enqueue(Sequence sequence)
    {
        sequence.Status = SequenceStatus.Waiting;
        _waiting.Add(sequence);
    }

    /// <summary>Reserves the blocks of its whole prompt.</summary>
    public void Admit(AdmissionOffer offer)
    {
        var sequence = offer.Sequence;
        _waiting.Remove(sequence);
        _running.Add(sequence);
        sequence.Status = SequenceStatus.Running;
        prefixes.Count(sequence, offer.Prefix);
        sequence.Begin(offer.Prefix, sequence.Length - offer.PendingTokens);
    }

    /// <summary>
    /// Reserves the next position of every idle decode, the oldest first. One that gets none because all younger ones are in
    /// flight keeps what it has and skips its turn.
    /// </summary>
    public void ReserveDecodeBlocks()
    {
        foreach (var sequence in _running.ToArray())
        {
            // Asked anew for each: the ones before may have preempted it.
            if (sequence.IsIdle && sequence.IsDecoding)
            {
                ReserveNextPosition(sequence);
            }
        }
    }

    /// <summary>A sequence ended. Its blocks are free at once unless a step that writes to them is still inside the pipe.</summary>
    public void Retire(Sequence sequence)
    {
        sequence.Status = SequenceStatus.Finished;
        rotation.Leave(sequence);
        if (!_waiting.Remove(sequence) && sequence.InFlight == 0)
        {
            _running.Remove(sequence);
            Release(sequence);
        }
    }

    /// <summary>The sequences that the stages are to forget, each told once.</summary>
    public IReadOnlyList<SequenceId> TakeReleased()
    {
        var released = _released;
        _released = [];
        return released;
    }

    /// <summary>The stages have forgotten everything: whoever ran starts again from its tokens so far.</summary>
    public void Restart()
    {
        foreach (var sequence in _running)
        {
            rotation.Leave(sequence);
            sequence.Rewind();
            if (sequence.Status != SequenceStatus.Finished)
            {
                Enqueue(sequence);
            }
        }

        _running.Clear();
        _released.Clear();
        pool.ForgetPrefixes();
    }

    private void ReserveNextPosition(Sequence sequence)
    {
        while (!sequence.Blocks.TryReserve(sequence.Length))
        {
            if (!TryPreemptBehind(sequence))
            {
                return;
            }
        }
    }

    private bool TryPreemptBehind(Sequence needy)
    {
        var victim = _running.Reverse().TakeWhile(sequence => sequence != needy).FirstOrDefault(sequence => sequence.IsIdle);
        if (victim is null)
        {
            return false;
        }

        Preemptions++;
        _running.Remove(victim);
        rotation.Leave(victim);
        Release(victim);
        victim.Rewind();
        Enqueue(victim);
        return true;
    }

    private void Release(Sequence sequence)
    {
        sequence.Blocks.ReleaseAll();
        _released.Add(sequence.Id);
    }

    /// <summary>Whole prompt and one decode block more, so that what is admitted does not have to be preempted at once.</summary>
    private bool HasBlocksFor(Sequence sequence, PrefixMatch prefix) =>
        pool.HasRoomFor(Math.Min(sequence.Length + pool.Spec.BlockSize, sequence.MaxPositions), prefix);
}
