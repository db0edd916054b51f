namespace Pipeline.Model.Caching;

/// <summary>The consecutive rows of one slice.</summary>
public readonly record struct StepSegment(SequenceState Sequence, int FirstRow, int RowCount, int FirstPosition)
{
    /// <summary>The sequence begins here, after a prefix that others have computed, or compute in this very step.</summary>
    public bool BeginsAfterPrefix { get; init; }

    /// <summary>One query that sees nothing of this step but itself.</summary>
    public bool IsDecode => RowCount == 1 && !BeginsAfterPrefix;

    public int LastPosition => FirstPosition + RowCount - 1;
}
