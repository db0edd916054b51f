using CsCheck;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Random results and step reports. Scores and logits are absent or not empty: nobody asks for no rows.</summary>
internal static class ResultGens
{
    public static Gen<MicrobatchResult> Result { get; } =
        from epoch in Gen.Long
        from step in Gen.Long
        from id in Gen.Int
        from slices in Slice().Array[0, 5]
        select new MicrobatchResult(new PlanEpoch(epoch), step, new MicrobatchId(id), slices);

    public static Gen<StepReport> Report { get; } =
        from stage in Gen.Int[0, 100]
        from step in Gen.Long
        from counts in Gen.Select(Gen.Int, Gen.Int, Gen.Int)
        from times in Gen.Select(Gen.Long, Gen.Long, Gen.Long, Gen.Long)
        select new StepReport(stage, step, new MicrobatchId(counts.Item1), counts.Item2, counts.Item3, times.Item1, times.Item2, times.Item3, times.Item4);

    private static Gen<SliceResult> Slice() =>
        from sequence in Gen.Long
        from sampled in Sampled().Null()
        from logprobs in Gen.Float.Array[1, 6].Null()
        from logits in Gen.Float.Array[1, 6].Null()
        select new SliceResult { Sequence = new SequenceId(sequence), Sampled = sampled, PromptLogprobs = logprobs, Logits = logits };

    private static Gen<SampledToken> Sampled() =>
        from token in Gen.Int
        from logprob in Gen.OneOf(Gen.Float.Nullable(), Gen.Const((float?)0))
        from top in Gen.Select(Gen.Int, Gen.Float, (alternative, score) => new TokenLogprob(alternative, score)).Array[0, 5]
        select new SampledToken(token, logprob, top);
}
