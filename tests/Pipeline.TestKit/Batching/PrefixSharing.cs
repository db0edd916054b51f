using Pipeline.Shared.Batching;

namespace Pipeline.TestKit.Batching;

/// <summary>Sequences that begin behind a prefix which another one has computed.</summary>
public static class PrefixSharing
{
    /// <summary>The first slice of a sequence without its first tokens: those come as a cached prefix.</summary>
    public static SequenceSlice Behind(SequenceSlice whole, int cached)
    {
        ArgumentNullException.ThrowIfNull(whole);
        return whole with
        {
            FirstPosition = cached,
            Tokens = whole.Tokens[cached..],
            Start = whole.Start! with { CachedPrefix = whole.Tokens[..cached] },
        };
    }

    /// <summary>The same, with the prefix in the blocks of another sequence.</summary>
    public static SequenceSlice Behind(SequenceSlice whole, int cached, MicrobatchWriter writer, long owner, int blockSize)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var slice = Behind(whole, cached);
        return slice with
        {
            BlockUpdates = [.. slice.BlockUpdates.Select(update =>
                update.Index < cached / blockSize ? update with { Block = writer.TableOf(owner, update.Group)[update.Index] } : update)],
        };
    }
}
