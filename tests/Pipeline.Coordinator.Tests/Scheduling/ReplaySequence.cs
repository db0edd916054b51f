using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>What the fake stage knows about one sequence since it was last started.</summary>
internal sealed class ReplaySequence(int start, SequenceStart opening, KvCacheSpec spec)
{
    /// <summary>Tells this start apart from every other, also of the same sequence.</summary>
    public int Start { get; } = start;

    public List<int> Tokens { get; } = [];

    public int?[][] Tables { get; } = [.. spec.Groups.Select(group => new int?[group.RingBlocks])];

    public SliceResult Answer(SequenceSlice slice) => new()
    {
        Sequence = slice.Sequence,
        Sampled = slice.Logits.HasFlag(LogitsRequest.Sample) ? new SampledToken(Draw(), null, []) : null,
        PromptLogprobs = slice.Logits.HasFlag(LogitsRequest.ScorePrompt) ? Score(slice) : null,
        Logits = slice.Logits.HasFlag(LogitsRequest.Raw) ? [.. Rows(slice).SelectMany(row => ToyModel.Logits(History(row)))] : null,
    };

    private int Draw() => ToyModel.NextToken(History(Tokens.Count - 1), Tokens.Count - opening.PromptLength, opening.Sampling);

    /// <summary>The token after the last row is only known to the stage if the slice names it.</summary>
    private float[] Score(SequenceSlice slice)
    {
        var successors = slice.NextToken is { } next ? slice.Tokens.Skip(1).Append(next) : slice.Tokens.Skip(1);
        return [.. Rows(slice).Zip(successors, (row, successor) => ToyModel.Logprob(History(row), successor))];
    }

    private static IEnumerable<int> Rows(SequenceSlice slice) => Enumerable.Range(slice.FirstPosition, slice.Tokens.Length);

    private int[] History(int lastPosition) => [.. Tokens.Take(lastPosition + 1)];
}
