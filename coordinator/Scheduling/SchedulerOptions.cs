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

    /// <summary>Checks the limits alone and against the cache that they are to be kept in.</summary>
    public void Validate(KvCacheSpec cache)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchedTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Microbatches, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxModelLength, 1);
        if (cache.Groups.Count == 0)
        {
            throw new ArgumentException("the KV cache has no groups, it needs at least one", nameof(cache));
        }

        for (var group = 0; group < cache.Groups.Count; group++)
        {
            ValidateRing(cache, group);
        }
    }

    /// <summary>A step writes its chunk before it attends, so a ring that is too short would overwrite keys that are still visible.</summary>
    private void ValidateRing(KvCacheSpec cache, int group)
    {
        var (window, ringBlocks, _) = cache.Groups[group];
        var needed = window is { } w ? Math.Min((long)w + MaxBatchedTokens - 1, MaxModelLength) : MaxModelLength;
        var held = (long)ringBlocks * cache.BlockSize;
        if (held < needed)
        {
            throw new ArgumentException(
                $"the ring of KV cache group {group} holds {held} positions ({ringBlocks} blocks of {cache.BlockSize}); "
                + $"window {window?.ToString() ?? "none"}, {nameof(MaxBatchedTokens)} {MaxBatchedTokens} and "
                + $"{nameof(MaxModelLength)} {MaxModelLength} need {needed}", nameof(cache));
        }
    }
}
