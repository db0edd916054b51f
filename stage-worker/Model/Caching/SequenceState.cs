using System.Runtime.InteropServices;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.Caching;

/// <summary>What a stage knows of one sequence: its tokens so far and where their keys and values lie.</summary>
public sealed class SequenceState
{
    private TokenTally? _tally;

    public SequenceState(SequenceId id, SequenceStart start, int groups)
    {
        Id = id;
        Start = start;
        Tables = new List<int>[groups];
        for (var group = 0; group < groups; group++)
        {
            Tables[group] = [];
        }
    }

    public SequenceId Id { get; }

    public SequenceStart Start { get; }

    /// <summary>Every token seen; its count is the position that the next slice must begin with.</summary>
    public List<int> Tokens { get; } = [];

    /// <summary>Block table of each cache group.</summary>
    public List<int>[] Tables { get; }

    public int Length => Tokens.Count;

    /// <summary>The tokens that the penalties look at: all with a repetition penalty, generated ones without. Good until tokens are added.</summary>
    public ReadOnlySpan<TokenCount> CountTokens()
    {
        _tally ??= new TokenTally(Start.PromptLength, Start.Sampling.RepetitionPenalty == 1 ? Start.PromptLength : 0);
        return _tally.Of(CollectionsMarshal.AsSpan(Tokens));
    }
}
