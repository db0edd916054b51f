using Pipeline.Protos.V1;

namespace Pipeline.Protos.SharedMemory;

/// <summary>The last stage's end of the ring that brings results to the coordinator. One writer at a time.</summary>
public sealed class ResultWriter : IDisposable
{
    private readonly SlotWriter _slots;

    private ResultWriter(SharedRing ring) => _slots = new SlotWriter(ring);

    /// <summary>Finds the coordinator's ring; throws <see cref="IOException"/> with the reason why it cannot be used.</summary>
    public static ResultWriter Open(string address) => new(SharedRing.Open(address));

    /// <summary>
    /// Writes a result, and waits for its slot as long as it takes. False if it is too large: then its place in the order is
    /// taken, and it has to come with the stage's events.
    /// </summary>
    public bool Write(MicrobatchResult result, CancellationToken cancellationToken)
    {
        var slot = _slots.Begin(cancellationToken);
        var fits = _slots.TryWriteHeader(slot, result);
        _slots.Ring.Control(slot).IsElsewhere = fits ? 0 : 1;
        _slots.Publish(slot);
        return fits;
    }

    public void Dispose() => _slots.Dispose();
}
