namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>The beginning of a sequence that lies in the cache already.</summary>
/// <param name="Blocks">Full blocks that need not be computed.</param>
/// <param name="Held">
/// By cache group: the blocks of it that will be seen, the last of which ends the prefix. Behind a window these are fewer
/// than <paramref name="Blocks"/>.
/// </param>
internal sealed record PrefixMatch(int Blocks, IReadOnlyList<int[]> Held)
{
    public static PrefixMatch None(int groups) => new(0, [.. Enumerable.Repeat(Array.Empty<int>(), groups)]);
}
