namespace Pipeline.Shared.Models;

/// <summary>Shape of a weight: a matrix, or a vector, which counts as one row.</summary>
public readonly record struct TensorShape(long Rows, long Columns, bool IsVector)
{
    public long ElementCount => Rows * Columns;

    /// <summary>The shape as a checkpoint states it.</summary>
    public IReadOnlyList<long> Dimensions => IsVector ? [Columns] : [Rows, Columns];

    public static TensorShape Vector(long length) => new(1, length, true);

    public static TensorShape Matrix(long rows, long columns) => new(rows, columns, false);

    public override string ToString() => $"[{string.Join(", ", Dimensions)}]";
}
