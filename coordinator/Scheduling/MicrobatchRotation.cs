using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// The M microbatches that take turns, and who decodes in which. Keeps decode balanced: no microbatch is sent with more than
/// ceil(decoding / M) decoding sequences, because one that is too large makes the others wait and the stages idle.
/// </summary>
internal sealed class MicrobatchRotation
{
    private readonly MicrobatchSlot[] _slots;
    private int _last;

    public MicrobatchRotation(int count)
    {
        _slots = [.. Enumerable.Range(0, count).Select(index => new MicrobatchSlot(new MicrobatchId(index)))];
        _last = count - 1;
    }

    public bool HasFreeSlot => _slots.Any(slot => !slot.IsBusy);

    public int SlotsWithoutPrefill => _slots.Count(slot => !slot.HasPrefillInFlight);

    /// <summary>Slots that may send, the one that waited longest first.</summary>
    public IEnumerable<MicrobatchSlot> FreeSlots => InTurn.Where(slot => !slot.IsBusy);

    private IEnumerable<MicrobatchSlot> InTurn => Enumerable.Range(1, _slots.Length).Select(step => _slots[(_last + step) % _slots.Length]);

    public void Occupy(MicrobatchSlot slot, bool hasPrefill)
    {
        slot.IsBusy = true;
        slot.HasPrefillInFlight = hasPrefill;
        _last = slot.Id.Value;
    }

    public void Vacate(MicrobatchId id)
    {
        _slots[id.Value].IsBusy = false;
        _slots[id.Value].HasPrefillInFlight = false;
    }

    /// <summary>A sequence begins to decode: in the slot with the fewest.</summary>
    public void Join(Sequence sequence) => Move(sequence, Emptiest());

    public void Leave(Sequence sequence)
    {
        if (sequence.Microbatch is { } id)
        {
            _slots[id.Value].Members.Remove(sequence);
            sequence.Microbatch = null;
        }
    }

    /// <summary>
    /// Moves sequences out of fuller slots. Those in flight cannot move, but a slot that is free has none of them, so after
    /// this no free slot has two more than any other.
    /// </summary>
    public void Rebalance()
    {
        while (true)
        {
            var target = Emptiest();
            var candidate = _slots
                .Where(slot => slot.Members.Count > target.Members.Count + 1)
                .OrderByDescending(slot => slot.Members.Count)
                .Select(slot => slot.Members.Reverse().FirstOrDefault(sequence => sequence.IsIdle))
                .FirstOrDefault(sequence => sequence is not null);
            if (candidate is null)
            {
                return;
            }

            Leave(candidate);
            Move(candidate, target);
        }
    }

    private static void Move(Sequence sequence, MicrobatchSlot slot)
    {
        slot.Members.Add(sequence);
        sequence.Microbatch = slot.Id;
    }

    private MicrobatchSlot Emptiest() => InTurn.MinBy(slot => slot.Members.Count)!;
}
