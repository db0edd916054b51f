using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Lessons;

/// <summary>Which keys each new token sees when several sequences share one packed row without padding.</summary>
/// <param name="Window">Null for full attention.</param>
/// <param name="RingSlots">Null when keys are drawn by position; otherwise each sequence has this many columns, one a ring slot.</param>
public sealed record MaskLesson(int? Window, int? RingSlots, IReadOnlyList<MaskRow> Rows)
{
    private const long MostCells = 1_000_000;

    /// <summary>
    /// The mask for <paramref name="newTokens"/> per sequence after <paramref name="cached"/> earlier ones. A ring must be
    /// long enough to write the whole chunk before anything attends.
    /// </summary>
    public static MaskLesson Of(int? window, IReadOnlyList<int> newTokens, IReadOnlyList<int> cached, int? ringSlots)
    {
        ArgumentNullException.ThrowIfNull(newTokens);
        ArgumentNullException.ThrowIfNull(cached);
        Check(window, newTokens, cached, ringSlots);
        var columns = Enumerable.Range(0, newTokens.Count)
            .SelectMany(sequence => ringSlots is { } slots
                ? RingColumns(sequence, cached[sequence] + newTokens[sequence], slots)
                : PositionColumns(sequence, cached[sequence] + newTokens[sequence]))
            .ToArray();
        return new MaskLesson(window, ringSlots, [.. newTokens.SelectMany((count, sequence) => Enumerable.Range(cached[sequence], count)
            .Select(position => Row(sequence, position, columns, window)))]);
    }

    private static MaskRow Row(int sequence, int position, (int Sequence, int? Position)[] columns, int? window)
    {
        var visible = columns.Select(column => column.Sequence == sequence
            && column.Position is { } key && AttentionWindow.Sees(position, key, window)).ToArray();
        return new MaskRow(sequence, position, visible.Count(sees => sees), string.Concat(visible.Select(sees => sees ? '0' : '.')));
    }

    private static IEnumerable<(int Sequence, int? Position)> PositionColumns(int sequence, int length) =>
        Enumerable.Range(0, length).Select(position => (sequence, (int?)position));

    /// <summary>After the chunk is written a slot holds the newest position that maps to it; a slot that was never written holds none.</summary>
    private static IEnumerable<(int Sequence, int? Position)> RingColumns(int sequence, int length, int slots)
    {
        var ring = new KvCacheSpec(BlockSize: 1, [new KvCacheGroup(null, slots, slots)]);
        var held = new int?[slots];
        for (var position = 0; position < length; position++)
        {
            held[ring.SlotOf(group: 0, position).RingIndex] = position;
        }

        return held.Select(position => (sequence, position));
    }

    private static void Check(int? window, IReadOnlyList<int> newTokens, IReadOnlyList<int> cached, int? ringSlots)
    {
        if (cached.Count != newTokens.Count)
        {
            throw new UserErrorException($"{newTokens.Count} sequences have new tokens but {cached.Count} have cached ones; give one number for each sequence in both");
        }

        var keys = newTokens.Zip(cached, (count, before) => (long)(ringSlots ?? (count + before))).Sum();
        if (keys * newTokens.Sum(count => (long)count) > MostCells)
        {
            throw new UserErrorException($"the grid would have more than {MostCells} cells; choose fewer or shorter sequences");
        }

        if (ringSlots is not { } slots)
        {
            return;
        }

        for (var sequence = 0; sequence < newTokens.Count; sequence++)
        {
            var length = cached[sequence] + newTokens[sequence];
            var needed = window is { } width ? Math.Min(length, width + newTokens[sequence] - 1) : length;
            if (slots < needed)
            {
                throw new UserErrorException($"a ring of {slots} slots would overwrite keys that sequence {sequence} still sees; it needs at least {needed}");
            }
        }
    }
}
