using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Lessons;

/// <summary>A rolling cache filled token by token: fixed memory, the oldest token makes room.</summary>
/// <param name="RingSlots">The window rounded up to whole blocks.</param>
/// <param name="Unrolled">What the ring holds at the end, oldest first.</param>
/// <param name="Visible">How many of those, counted from the newest, the last token sees.</param>
public sealed record CacheLesson(
    int Window, int BlockSize, int RingSlots, IReadOnlyList<CacheStep> Steps, IReadOnlyList<string> Unrolled, int Visible)
{
    public static CacheLesson Of(int window, int blockSize, IReadOnlyList<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count == 0)
        {
            throw new UserErrorException("there are no tokens to cache; give some words, for instance --tokens \"The cat is on a chair\"");
        }

        // Token by token nothing is written ahead of the token that attends, so the ring needs no room for a chunk.
        var ringBlocks = KvCacheSpec.RingBlocksFor(window, blockSize, maxChunk: 0, maxModelLength: Math.Max(window, tokens.Count));
        var spec = new KvCacheSpec(blockSize, [new KvCacheGroup(window, ringBlocks, ringBlocks)]);
        var slots = new string?[ringBlocks * blockSize];
        var steps = tokens.Select((token, position) => Write(spec, slots, token, position, window)).ToArray();
        var last = tokens.Count - 1;
        return new CacheLesson(
            window, blockSize, slots.Length, steps, Unroll(slots, steps[^1].Pointer), last - AttentionWindow.FirstVisible(last, window) + 1);
    }

    private static CacheStep Write(KvCacheSpec spec, string?[] slots, string token, int position, int window)
    {
        var slot = Slot(spec, position);
        var overwritten = slots[slot];
        slots[slot] = token;
        return new CacheStep(
            position, token, slot, overwritten, [.. slots], Slot(spec, position + 1), AttentionWindow.FirstVisible(position, window));
    }

    private static int Slot(KvCacheSpec spec, int position)
    {
        var (ringIndex, row) = spec.SlotOf(group: 0, position);
        return (ringIndex * spec.BlockSize) + row;
    }

    /// <summary>From the pointer to the end, then from the start to the pointer.</summary>
    private static string[] Unroll(string?[] slots, int pointer) =>
        [.. slots.Skip(pointer).Concat(slots.Take(pointer)).OfType<string>()];
}
