namespace Pipeline.Coordinator.Scheduling.Prefixes;

/// <summary>What of a waiting sequence need not be computed, and how often that came true.</summary>
internal sealed class PrefixCache(KvBlockPool pool)
{
    private readonly PrefixLookup _lookup = new(pool);
    private readonly PrefixMatch _none = PrefixMatch.None(pool.GroupCount);
    private long _queriedTokens;
    private long _hitTokens;

    public PrefixCounters Counters => new(_queriedTokens, _hitTokens, pool.Evictions);

    /// <summary>The last token is always computed, for its logits are wanted.</summary>
    public PrefixMatch Find(Sequence sequence) =>
        sequence.ReadsPrefixes ? _lookup.Longest(sequence.Prefixes!, (sequence.Length - 1) / pool.Spec.BlockSize) : _none;

    /// <summary>A sequence begins with what was found.</summary>
    public void Count(Sequence sequence, PrefixMatch match)
    {
        if (sequence.ReadsPrefixes)
        {
            _queriedTokens += sequence.Length;
            _hitTokens += match.Blocks * pool.Spec.BlockSize;
        }
    }
}
