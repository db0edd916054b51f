using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>The limits that the scheduler keeps.</summary>
public sealed record SchedulerOptions
{
    /// <summary>The plan whose stages the microbatches are for.</summary>
    public required PlanEpoch Epoch { get; init; }

    /// <summary>Sequences that hold cache blocks at the same time, at most.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Tokens of one microbatch, at most; so also the longest prompt chunk.</summary>
    public required int MaxBatchedTokens { get; init; }

    /// <summary>M: microbatches inside the pipe at the same time, at most.</summary>
    public required int Microbatches { get; init; }

    /// <summary>Prompt and answer together, at most.</summary>
    public required int MaxModelLength { get; init; }

    /// <summary>Requests that may wait besides those for whom there are seats; null for any number.</summary>
    public int? MaxWaiting { get; init; }

    /// <summary>
    /// Sequences that begin alike share the blocks of their beginning. Windowed rings have to be a block longer for it, all
    /// but one position: they leave a shared block as a whole.
    /// </summary>
    public bool PrefixCaching { get; init; }

    /// <summary>Checks the limits alone and against the cache that they are to be kept in.</summary>
    public void Validate(KvCacheSpec cache)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchedTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Microbatches, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxModelLength, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxWaiting ?? 0, nameof(MaxWaiting));
        if (cache.Groups.Count == 0)
        {
            throw new ArgumentException("the KV cache has no groups, it needs at least one", nameof(cache));
        }

        for (var group = 0; group < cache.Groups.Count; group++)
        {
            ValidateRing(cache, group);
        }
    }

    /// <summary>
    /// A step writes its chunk before it attends, so a ring that is too short would overwrite keys that are still visible; one
    /// that takes a fresh block for a shared one loses all of the old block at its first position.
    /// </summary>
    private void ValidateRing(KvCacheSpec cache, int group)
    {
        var (window, ringBlocks, _) = cache.Groups[group];
        var needed = window is { } w ? Math.Min((long)w + MaxBatchedTokens - 1 + (PrefixCaching ? cache.BlockSize - 1 : 0), MaxModelLength) : MaxModelLength;
        var held = (long)ringBlocks * cache.BlockSize;
        if (held < needed)
        {
            throw new ArgumentException(
                $"the ring of KV cache group {group} holds {held} positions ({ringBlocks} blocks of {cache.BlockSize}); "
                + $"window {window?.ToString() ?? "none"}, {nameof(MaxBatchedTokens)} {MaxBatchedTokens} and "
                + $"{nameof(MaxModelLength)} {MaxModelLength} {(PrefixCaching ? "with" : "without")} prefix caching need {needed}", nameof(cache));
        }
    }
}
