using CsCheck;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Random scenarios: small limits, tight rings and pools that are often too small for everybody at once.</summary>
internal static class Scenarios
{
    public static Gen<Scenario> Random { get; } =
        from options in Options()
        from cache in Cache(options)
        from requests in Request(options.MaxModelLength).Array[1, 12]
        from events in Gen.Int[0, 999].Array[0, 150]
        select new Scenario(options, cache, requests, events);

    private static Gen<SchedulerOptions> Options() =>
        from sequences in Gen.Int[1, 8]
        from tokens in Gen.Int[1, 12]
        from microbatches in Gen.Int[1, 4]
        from length in Gen.Int[4, 40]
        from prefixes in Gen.Bool
        select new SchedulerOptions
        {
            Epoch = new PlanEpoch(1),
            MaxSequences = sequences,
            MaxBatchedTokens = tokens,
            Microbatches = microbatches,
            MaxModelLength = length,
            PrefixCaching = prefixes,
        };

    private static Gen<KvCacheSpec> Cache(SchedulerOptions options) =>
        from blockSize in Gen.Int[1, 4]
        from groups in Group(options, blockSize).Array[1, 2]
        select new KvCacheSpec(blockSize, groups);

    /// <summary>The shortest ring that the rule allows, so that one row less would be noticed.</summary>
    private static Gen<KvCacheGroup> Group(SchedulerOptions options, int blockSize) =>
        from window in Gen.Int[1, 9].Nullable()
        let positions = Math.Min(options.MaxModelLength, (window ?? 1000) + options.MaxBatchedTokens - 1 + (options.PrefixCaching ? blockSize - 1 : 0))
        let ring = (positions + blockSize - 1) / blockSize
        from blocks in Gen.Int[Math.Max(1, ring - 1), ring * 2]
        select new KvCacheGroup(window, ring, blocks);

    private static Gen<SequenceRequest> Request(int maxModelLength) =>
        from length in Gen.Frequency((5, Gen.Int[1, (maxModelLength / 3) + 1]), (1, Gen.Int[1, maxModelLength]))
        from random in Gen.Int[0, ToyModel.Vocabulary - 1].Array[length]
        from alike in Gen.Int[0, 24]
        let prompt = random.Select((token, index) => index < alike ? index % 3 : token).ToArray()
        from maxTokens in Gen.Int[0, 20].Nullable()
        from stop in Gen.Int[0, 2 * ToyModel.Vocabulary]
        from eos in Gen.Int[0, 2 * ToyModel.Vocabulary]
        from minTokens in Gen.Int[0, 3]
        from priority in Gen.Frequency((4, Gen.Const(0)), (1, Gen.Int[-1, 1]))
        from flags in Gen.OneOf(Gen.Int[0, 1], Gen.Int[0, 7])
        select new SequenceRequest
        {
            Prompt = prompt,
            MaxTokens = maxTokens,
            Sampling = new SamplingParams { StopTokenIds = [stop], MinTokens = minTokens },
            EosTokenIds = [eos],
            IgnoreEos = (flags & 1) != 0,
            Priority = priority,
            PromptLogprobs = (flags & 2) != 0,
            RawLogits = (flags & 4) != 0,
        };
}
