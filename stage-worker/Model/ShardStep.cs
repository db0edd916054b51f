using Pipeline.Shared.Batching;

namespace Pipeline.Model;

/// <summary>A step that a shard has begun. A device may still be computing it while the next is begun behind it; they end in order.</summary>
public abstract class ShardStep
{
    /// <summary>
    /// Hidden states that may be handed on at once, because whoever reads them waits for them on the device; null where they
    /// come with the end. Whoever takes them disposes of them.
    /// </summary>
    public virtual HiddenStates? Early => null;

    /// <summary>How long the device computed, once the step is over; null where it was the caller's own thread that computed.</summary>
    public virtual TimeSpan? DeviceTime => null;

    /// <summary>Whether <see cref="Finish"/> would return at once. Throws what the device has met with.</summary>
    public abstract bool IsOver();

    /// <summary>Waits for the end; once. The hidden states of <see cref="Early"/> are not among it.</summary>
    public abstract ShardOutput Finish();

    /// <summary>A step that was over when it returned.</summary>
    public static ShardStep Of(ShardOutput output) => new Finished(output);

    private sealed class Finished(ShardOutput output) : ShardStep
    {
        public override bool IsOver() => true;

        public override ShardOutput Finish() => output;
    }
}
