using CsCheck;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Random microbatches with everything that can be in them. Values need not make sense: the wire must carry them all.</summary>
internal static class BatchingGens
{
    public static Gen<SamplingParams> Sampling { get; } =
        from weights in Gen.Select(Gen.Float, Gen.Float, Gen.Float)
        from penalties in Gen.Select(Gen.Float, Gen.Float, Gen.Float)
        from bias in Gen.Dictionary(Gen.Int, Gen.Float)[0, 4]
        from counts in Gen.Select(Gen.Int, Gen.Int, Gen.OneOf(Gen.Int.Nullable(), Gen.Const((int?)0)))
        from seed in Gen.ULong
        from stops in Gen.Int.Array[0, 4]
        select new SamplingParams
        {
            Temperature = weights.Item1,
            TopP = weights.Item2,
            MinP = weights.Item3,
            RepetitionPenalty = penalties.Item1,
            PresencePenalty = penalties.Item2,
            FrequencyPenalty = penalties.Item3,
            LogitBias = bias,
            TopK = counts.Item1,
            MinTokens = counts.Item2,
            Logprobs = counts.Item3,
            Seed = seed,
            StopTokenIds = stops,
        };

    public static Gen<Microbatch> Microbatch { get; } =
        from epoch in Gen.Long
        from step in Gen.Long
        from id in Gen.Int
        from slices in Slice().Array[0, 5]
        from released in Gen.Long.Array[0, 5]
        select new Microbatch
        {
            Epoch = new PlanEpoch(epoch),
            Step = step,
            Id = new MicrobatchId(id),
            Slices = slices,
            Released = [.. released.Select(sequence => new SequenceId(sequence))],
        };

    private static Gen<SequenceSlice> Slice() =>
        from sequence in Gen.Long
        from position in Gen.Int
        from tokens in Gen.Int.Array[0, 9]
        from updates in Gen.Select(Gen.Int, Gen.Int, Gen.Int, (cacheGroup, index, block) => new BlockUpdate(cacheGroup, index, block)).Array[0, 4]
        from logits in Gen.Int[0, 7]
        from next in Gen.OneOf(Gen.Int.Nullable(), Gen.Const((int?)0))
        from start in Gen.Select(Gen.Int, Sampling, Gen.Int.Array[0, 5], (length, sampling, cached) => new SequenceStart(length, sampling) { CachedPrefix = cached }).Null()
        select new SequenceSlice
        {
            Sequence = new SequenceId(sequence),
            FirstPosition = position,
            Tokens = tokens,
            BlockUpdates = updates,
            Logits = (LogitsRequest)logits,
            NextToken = next,
            Start = start,
        };
}
