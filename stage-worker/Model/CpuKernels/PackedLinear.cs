namespace Pipeline.Model.CpuKernels;

/// <summary>
/// y[rows, outputs] = x[rows, inputs] * W[outputs, inputs]^T with the weight packed once into panels of 32 outputs,
/// [panel, input, 32], so that decoding reads memory in one straight line. Made by a <see cref="PackedLinearBuilder"/>.
/// </summary>
/// <remarks>
/// Few rows are bound by reading the weight (outputs * inputs * 4 bytes), many rows by 2 * rows * outputs * inputs FLOPs.
/// </remarks>
public sealed unsafe class PackedLinear : IDisposable
{
    private readonly NativeBuffer _panels;

    internal PackedLinear(int outputs, int inputs, NativeBuffer panels)
    {
        Outputs = outputs;
        Inputs = inputs;
        this._panels = panels;
    }

    /// <summary>Rows of the weight.</summary>
    public int Outputs { get; }

    /// <summary>Columns of the weight.</summary>
    public int Inputs { get; }

    /// <summary>Memory that the packed weight takes.</summary>
    public long ByteSize => _panels.Length * sizeof(float);

    /// <summary>Each output has the same bits whatever the rows beside it and the threads.</summary>
    public void Multiply(float* input, int rows, float* output, KernelThreads threads)
    {
        var group = Group(input, rows, output);
        LinearProduct.Run(&group, 1, Outputs, Inputs, threads);
    }

    public void Dispose() => _panels.Dispose();

    internal static long PackedLength(int outputs, int inputs) =>
        ((long)outputs + TileKernel.Columns - 1) / TileKernel.Columns * TileKernel.Columns * inputs;

    /// <summary>This weight's part in a product over several weights of one shape.</summary>
    internal LinearGroup Group(float* input, int rows, float* output)
    {
        ObjectDisposedException.ThrowIf(_panels.Pointer is null, this);
        return new LinearGroup { Input = input, Rows = rows, Output = output, Weights = _panels.Pointer };
    }
}
