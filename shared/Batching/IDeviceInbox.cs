namespace Pipeline.Shared.Batching;

/// <summary>The slots of the stage before, as the stage that reads them sees them.</summary>
public interface IDeviceInbox : IDisposable
{
    int SlotCount { get; }

    /// <summary>A filled slot.</summary>
    /// <param name="onRead">Disposed of with the slot: tells the stage before that it was read.</param>
    IDeviceSlot Take(int index, IDisposable onRead);
}
