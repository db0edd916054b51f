using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Framing;

/// <summary>What a step has to look like before memory is taken for it, whichever way it comes.</summary>
internal static class FrameRules
{
    /// <summary>The step that the headers announce; throws a <see cref="StageException"/> that says what is wrong with it.</summary>
    public static Microbatch Accept(MicrobatchHeader? header, TensorHeader? hidden, FrameLimits limits)
    {
        var microbatch = MicrobatchCodec.FromWire(header ?? throw new StageException(StageError.Malformed, "a step begins without its microbatch header"));
        return FindProblem(microbatch, hidden, limits) is { } problem ? throw problem.In(microbatch.Step) : microbatch;
    }

    private static StageException? FindProblem(Microbatch microbatch, TensorHeader? hidden, FrameLimits limits)
    {
        if (microbatch.TokenCount > limits.MaxRows)
        {
            return new StageException(StageError.BatchTooLarge, $"step {microbatch.Step} has {microbatch.TokenCount} tokens, this stage was started for at most {limits.MaxRows}");
        }

        if (!limits.ExpectsHidden)
        {
            return hidden is null ? null : new StageException(StageError.WrongShape, $"step {microbatch.Step} brings hidden states to the first stage, which takes tokens");
        }

        if (hidden is null)
        {
            return new StageException(StageError.WrongShape, $"step {microbatch.Step} brings no hidden states");
        }

        if (hidden.Rows != microbatch.TokenCount || hidden.Width != limits.Width)
        {
            return new StageException(
                StageError.WrongShape, $"step {microbatch.Step} brings hidden states [{hidden.Rows}, {hidden.Width}], expected [{microbatch.TokenCount}, {limits.Width}]");
        }

        return ElementTypeCodec.FromWire(hidden.ElementType) == limits.ElementType
            ? null
            : new StageException(StageError.WrongElementType, $"step {microbatch.Step} brings {hidden.ElementType}, this stage computes in {limits.ElementType}");
    }
}
