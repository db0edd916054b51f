namespace Pipeline.Model.Caching;

/// <summary>The consecutive rows of one slice.</summary>
public readonly record struct StepSegment(SequenceState Sequence, int FirstRow, int RowCount, int FirstPosition)
{
    public int LastPosition => FirstPosition + RowCount - 1;
}
