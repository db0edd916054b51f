using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>What the fake stage knows about one sequence since it was last started.</summary>
internal sealed class ReplaySequence(SequenceStart opening, KvCacheSpec spec)
{
    private readonly List<UInt128> _histories = [];

    public List<int> Tokens { get; } = [];

    public int?[][] Tables { get; } = [.. spec.Groups.Select(group => new int?[group.RingBlocks])];

    public void Append(IEnumerable<int> tokens)
    {
        foreach (var token in tokens)
        {
            var before = _histories.Count == 0 ? UInt128.One : _histories[^1];
            _histories.Add(unchecked((before * 0x9E3779B97F4A7C15) + (UInt128)(token + 1) + (before >> 61)));
            Tokens.Add(token);
        }
    }

    /// <summary>Stands for the key and value of a position: they are made of all tokens up to there, and of nothing else.</summary>
    public UInt128 KeyAt(int position) => _histories[position];

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
