namespace Pipeline.Model.Kernels;

/// <summary>A projection's weight in whatever layout its kernels like best.</summary>
public abstract class LinearWeight(int rows, int columns) : IDisposable
{
    /// <summary>Output features.</summary>
    public int Rows { get; } = rows;

    /// <summary>Input features.</summary>
    public int Columns { get; } = columns;

    public abstract long ByteCount { get; }

    public abstract void Dispose();
}
