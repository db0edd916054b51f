namespace Pipeline.Protos.SharedMemory;

/// <summary>How a ring's memory is cut up. Pages that are never used take no memory, so capacities are generous.</summary>
/// <param name="SlotCount">Messages that may be under way.</param>
/// <param name="HeaderCapacity">Bytes of a message itself.</param>
/// <param name="PayloadCapacity">Bytes of the tensor beside it.</param>
internal readonly record struct RingLayout(int SlotCount, long HeaderCapacity, long PayloadCapacity)
{
    public const int ControlOffset = 512;

    /// <summary>One step is being written, one read, and the schedule's next ones need not wait.</summary>
    public const int StepSlots = 4;

    private const int PageBytes = 4096;
    private const int MostSlots = 4096;
    private const long MostBytes = 1L << 40;

    public static RingLayout OfSteps(long payloadBytes) => new(StepSlots, 8 * 1024 * 1024, (payloadBytes + PageBytes - 1) / PageBytes * PageBytes);

    /// <summary>As many as a pipeline has steps in it: whoever computes never waits for whoever reads results.</summary>
    public static RingLayout OfResults { get; } = new(128, 256 * 1024, 0);

    public bool IsSound => SlotCount is > 0 and <= MostSlots && HeaderCapacity is > 0 and < MostBytes && PayloadCapacity is >= 0 and < MostBytes;

    public long Length => SlotsOffset + (SlotCount * SlotBytes);

    public long OffsetOf(int slot) => SlotsOffset + (slot * SlotBytes);

    private long SlotBytes => HeaderCapacity + PayloadCapacity;

    private unsafe long SlotsOffset => (ControlOffset + (SlotCount * sizeof(SlotControl)) + PageBytes - 1) / PageBytes * PageBytes;
}
