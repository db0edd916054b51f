using Pipeline.Shared.Caching;

namespace Pipeline.Shared.Batching;

/// <summary>The part of one sequence that a microbatch carries: a prompt chunk or the one new token.</summary>
public sealed record SequenceSlice
{
    public required SequenceId Sequence { get; init; }

    /// <summary>Position of the first token; must equal the number of tokens that the stage has seen of this sequence, those of a cached prefix included.</summary>
    public required int FirstPosition { get; init; }

    /// <summary>Token ids, one per position. Every stage gets them: the first embeds them, the last counts them for penalties.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Changes to the sequence's block tables, applied before anything is written.</summary>
    public IReadOnlyList<BlockUpdate> BlockUpdates { get; init; } = [];

    public LogitsRequest Logits { get; init; }

    /// <summary>With <see cref="LogitsRequest.ScorePrompt"/>: the token after the last row, if it is known.</summary>
    public int? NextToken { get; init; }

    /// <summary>Set on the first slice of a sequence only.</summary>
    public SequenceStart? Start { get; init; }

    /// <summary>Numbers that describe it, in any encoding a few bytes each: tokens, changed blocks, and what it starts with.</summary>
    public int NumberCount => Tokens.Length + (3 * BlockUpdates.Count) + (Start?.NumberCount ?? 0);
}
