namespace Pipeline.Model.Checkpoints;

/// <summary>How a stored tensor's bytes become the runtime's rows.</summary>
public enum StoredOrder
{
    /// <summary>Row after row, as the runtime has them.</summary>
    Rows,

    /// <summary>Row after row, in the order of rotating interleaved pairs (<see cref="RotaryRowOrder"/>).</summary>
    InterleavedRows,

    /// <summary>Transposed: column after column.</summary>
    Columns,
}
