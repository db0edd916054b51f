using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>Tells a request that can never be served, or not now, from one that only has to wait.</summary>
internal static class RequestLimits
{
    public static void Check(SequenceRequest request, SchedulerOptions options, KvCacheSpec cache)
    {
        var (prompt, limit) = (request.Prompt.Count, options.MaxModelLength);
        if (prompt == 0)
        {
            throw new RequestRejectedException(RejectionReason.EmptyPrompt, "the prompt has 0 tokens, it needs at least 1", 0, 1);
        }

        if (request.MaxTokens < 0)
        {
            throw new RequestRejectedException(
                RejectionReason.NegativeMaxTokens, $"max_tokens is {request.MaxTokens}, it must be 0 or more", request.MaxTokens.Value, 0);
        }

        // Without a maximum there has to be room for one token at least.
        var length = (long)prompt + (request.MaxTokens ?? 1);
        if (length > limit)
        {
            var answer = request.MaxTokens is { } tokens ? $"max_tokens {tokens}" : "1 token of answer";
            throw new RequestRejectedException(
                RejectionReason.TooLong, $"the prompt has {prompt} tokens; with {answer} that is {length}, the model length is {limit}", length, limit);
        }

        CheckCache(prompt, request.MaxTokens ?? limit - prompt, cache);
    }

    /// <summary>As many may wait as the queue takes, besides those for whom there are seats.</summary>
    /// <param name="live">Sequences that run or wait.</param>
    public static void CheckQueue(int live, int waiting, SchedulerOptions options)
    {
        if (options.MaxWaiting is { } most && live >= (long)options.MaxSequences + most)
        {
            throw new RequestRejectedException(
                RejectionReason.QueueFull, $"{waiting} requests are waiting and all {options.MaxSequences} seats are taken; the queue takes at most {most}, try again later", waiting, most);
        }
    }

    private static void CheckCache(int prompt, int maxTokens, KvCacheSpec cache)
    {
        var positions = Sequence.PositionsFor(prompt, maxTokens);
        for (var group = 0; group < cache.Groups.Count; group++)
        {
            var (needed, blocks) = (cache.BlocksFor(group, positions), cache.Groups[group].BlockCount);
            if (needed > blocks)
            {
                throw new RequestRejectedException(
                    RejectionReason.CacheTooSmall,
                    $"{prompt} prompt tokens and max_tokens {maxTokens} need {needed} blocks of KV cache group {group}, which has {blocks}; "
                    + "ask for fewer tokens or give the cache more memory", needed, blocks);
            }
        }
    }
}
