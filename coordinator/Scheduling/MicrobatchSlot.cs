using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>One place in the rotation: at most one microbatch of it is inside the pipe.</summary>
internal sealed class MicrobatchSlot(MicrobatchId id)
{
    public MicrobatchId Id { get; } = id;

    /// <summary>The sequences that decode here.</summary>
    public SortedSet<Sequence> Members { get; } = new(SequenceOrder.Instance);

    public bool IsBusy { get; set; }

    /// <summary>The microbatch inside the pipe carries a prompt chunk.</summary>
    public bool HasPrefillInFlight { get; set; }
}
