using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>A microbatch inside the pipe, and the sequence of each of its slices.</summary>
internal sealed record StepInFlight(Microbatch Microbatch, IReadOnlyList<Sequence> Sequences)
{
    /// <summary>Throws unless the result answers exactly what was asked, so that <see cref="Scheduler.Complete"/> is all or nothing.</summary>
    public void Verify(MicrobatchResult result)
    {
        Require(result.Id == Microbatch.Id, $"belongs to {Microbatch.Id}, the result says {result.Id}");
        Require(result.Slices.Count == Microbatch.Slices.Count, $"has {Microbatch.Slices.Count} slices, the result {result.Slices.Count}");
        for (var index = 0; index < Sequences.Count; index++)
        {
            Verify(Microbatch.Slices[index], Sequences[index], result.Slices[index]);
        }
    }

    private void Verify(SequenceSlice slice, Sequence sequence, SliceResult result)
    {
        Require(result.Sequence == slice.Sequence, $"carries {slice.Sequence}, the result has {result.Sequence} in its place");
        var isSampling = slice.Logits.HasFlag(LogitsRequest.Sample);
        Require(isSampling == result.Sampled is not null, $"{slice.Sequence}: a token {(isSampling ? "was asked for and is missing" : "came unasked")}");
        if (slice.Logits.HasFlag(LogitsRequest.ScorePrompt))
        {
            var (needed, got) = (sequence.RowsToScore(slice), result.PromptLogprobs?.Length ?? 0);
            Require(got >= needed, $"{slice.Sequence}: needs {needed} prompt log-probabilities, got {got}");
        }

        if (slice.Logits.HasFlag(LogitsRequest.Raw))
        {
            var (rows, got) = (slice.Tokens.Length, result.Logits?.Length ?? 0);
            Require(got > 0 && got % rows == 0, $"{slice.Sequence}: needs raw logits of {rows} rows, got {got} values");
        }
    }

    private void Require(bool condition, string fault)
    {
        if (!condition)
        {
            throw new StageException(StageError.Malformed, $"step {Microbatch.Step} {fault}");
        }
    }
}
