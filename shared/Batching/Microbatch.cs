namespace Pipeline.Shared.Batching;

/// <summary>
/// One step's work for the whole pipeline: slices of several sequences packed into one row of tokens, without padding.
/// </summary>
public sealed record Microbatch
{
    public required PlanEpoch Epoch { get; init; }

    /// <summary>Counts the microbatches of an epoch from 1 without gaps; a stage refuses any other order.</summary>
    public required long Step { get; init; }

    public required MicrobatchId Id { get; init; }

    /// <summary>May be empty when only <see cref="Released"/> matters.</summary>
    public required IReadOnlyList<SequenceSlice> Slices { get; init; }

    /// <summary>Sequences that the stages forget before this step; one of them may start again in the same step.</summary>
    public IReadOnlyList<SequenceId> Released { get; init; } = [];

    /// <summary>Rows of the packed sequence.</summary>
    public int TokenCount
    {
        get
        {
            var count = 0;
            foreach (var slice in Slices)
            {
                count += slice.Tokens.Length;
            }

            return count;
        }
    }
}
