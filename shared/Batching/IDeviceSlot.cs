namespace Pipeline.Shared.Batching;

/// <summary>
/// A place for one step's hidden states in a device's memory that two neighbouring stages of a host see. Disposing of it says
/// that this side is through with it.
/// </summary>
public interface IDeviceSlot : IDisposable
{
    /// <summary>The number by which both sides know it, from 0.</summary>
    int Index { get; }

    /// <summary>Whether the device of the side that writes has come to the end of writing.</summary>
    bool IsFilled { get; }
}
