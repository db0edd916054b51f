using Pipeline.Model.Caching;
using Pipeline.Model.Sampling;
using Pipeline.Shared.Batching;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>What the last stage does after its layers: head on the rows that were asked for, then sampling and scoring.</summary>
public static class SliceScorer
{
    // Scoring a long prompt needs all its rows: a piece at a time, so that the logits of a chunk never exist at once.
    private const int RowsAtOnce = 64;

    public static IReadOnlyList<SliceResult> Score(LmHead head, torch.Tensor residual, torch.Tensor? delta, StepLayout layout)
    {
        var sampling = Enumerable.Range(0, layout.Segments.Count).Where(s => RequestOf(layout, s) == LogitsRequest.Sample).ToArray();
        var sampled = SampleLastRows(head, residual, delta, layout, sampling);
        var results = new SliceResult[layout.Segments.Count];
        for (var s = 0; s < results.Length; s++)
        {
            results[s] = RequestOf(layout, s) switch
            {
                LogitsRequest.None => new SliceResult { Sequence = layout.Segments[s].Sequence.Id },
                LogitsRequest.Sample => sampled[Array.IndexOf(sampling, s)],
                _ => ScoreAllRows(head, residual, delta, layout, s),
            };
        }

        return results;
    }

    private static LogitsRequest RequestOf(StepLayout layout, int segment) => layout.Microbatch.Slices[segment].Logits;

    private static SliceResult[] SampleLastRows(LmHead head, torch.Tensor residual, torch.Tensor? delta, StepLayout layout, int[] segments)
    {
        if (segments.Length == 0)
        {
            return [];
        }

        var rows = Array.ConvertAll(segments, s => layout.Segments[s].FirstRow + layout.Segments[s].RowCount - 1);
        using var scope = torch.NewDisposeScope();
        var logits = head.Forward(residual, delta, rows).cpu();
        return Array.ConvertAll(segments, s => layout.Segments[s].Sequence)
            .Select((sequence, i) => new SliceResult { Sequence = sequence.Id, Sampled = Sampler.Sample(Row(logits, i), sequence) })
            .ToArray();
    }

    private static SliceResult ScoreAllRows(LmHead head, torch.Tensor residual, torch.Tensor? delta, StepLayout layout, int s)
    {
        var segment = layout.Segments[s];
        var request = RequestOf(layout, s);
        var raw = new List<float>();
        var logprobs = new List<float>();
        SliceResult result = new() { Sequence = segment.Sequence.Id };
        for (var done = 0; done < segment.RowCount; done += RowsAtOnce)
        {
            using var scope = torch.NewDisposeScope();
            var count = Math.Min(RowsAtOnce, segment.RowCount - done);
            var logits = head.Forward(residual, delta, [.. Enumerable.Range(segment.FirstRow + done, count)]).cpu();
            for (var i = 0; i < count; i++)
            {
                var row = Row(logits, i);
                if (request.HasFlag(LogitsRequest.Raw))
                {
                    raw.AddRange(row);
                }

                if (request.HasFlag(LogitsRequest.ScorePrompt) && NextToken(layout.Microbatch.Slices[s], done + i) is { } next)
                {
                    logprobs.Add(Logprobs.Of(row, next));
                }
            }

            if (request.HasFlag(LogitsRequest.Sample) && done + count == segment.RowCount)
            {
                result = result with { Sampled = Sampler.Sample(Row(logits, count - 1), segment.Sequence) };
            }
        }

        return result with { Logits = raw.Count > 0 ? [.. raw] : null, PromptLogprobs = logprobs.Count > 0 ? [.. logprobs] : null };
    }

    private static int? NextToken(SequenceSlice slice, int row) => row + 1 < slice.Tokens.Length ? slice.Tokens[row + 1] : slice.NextToken;

    private static ReadOnlySpan<float> Row(torch.Tensor logits, int row)
    {
        var width = (int)logits.shape[1];
        return HiddenStatesTensor.Floats(logits).Slice(row * width, width);
    }
}
