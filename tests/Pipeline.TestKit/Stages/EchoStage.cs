using System.Runtime.CompilerServices;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.TestKit.Stages;

/// <summary>
/// The simplest stage: hidden states are the token ids, passed on as they are, and the last one "samples" the token after the
/// row's own. Refuses steps out of order, as every stage must.
/// </summary>
public sealed class EchoStage(ShardAssignment assignment) : IStage
{
    private long _step;

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var input in inputs.WithCancellation(cancellationToken))
        {
            yield return Answer(input, default);
        }
    }

    /// <summary>The output for one input, whose hidden states are given back.</summary>
    public StageOutput Answer(StageInput input, StepTimes times)
    {
        using (input)
        {
            var microbatch = input.Microbatch;
            if (microbatch.Step != _step + 1)
            {
                throw new StageException(StageError.OutOfOrder, $"got step {microbatch.Step} after step {_step}", assignment.StageIndex);
            }

            _step = microbatch.Step;
            return assignment.IsLast
                ? new StageOutput(microbatch, null, new MicrobatchResult(microbatch.Epoch, microbatch.Step, microbatch.Id, [.. microbatch.Slices.Select(Sample)]), times)
                : new StageOutput(microbatch, Hidden(microbatch), null, times);
        }
    }

    private static SliceResult Sample(SequenceSlice slice) => new()
    {
        Sequence = slice.Sequence,
        Sampled = slice.Logits.HasFlag(LogitsRequest.Sample) ? new SampledToken(slice.Tokens[^1] + 1, null, []) : null,
    };

    private static HiddenStates Hidden(Microbatch microbatch)
    {
        var hidden = HiddenStates.Rent(microbatch.TokenCount, 1, ElementType.Float32);
        var tokens = microbatch.Slices.SelectMany(slice => slice.Tokens).Select(token => (float)token).ToArray();
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(tokens.AsSpan()).CopyTo(hidden.Bytes.Span);
        return hidden;
    }
}
