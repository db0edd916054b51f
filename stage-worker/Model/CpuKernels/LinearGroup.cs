namespace Pipeline.Model.CpuKernels;

/// <summary>One product of a <see cref="LinearProduct"/>: some rows times one packed weight.</summary>
internal unsafe struct LinearGroup
{
    /// <summary>[rows, inputs]</summary>
    public float* Input;

    /// <summary>[rows, outputs]</summary>
    public float* Output;

    /// <summary>[panels, inputs, 32]</summary>
    public float* Weights;

    public int Rows;

    /// <summary>The rows of the current block in tile order; set by the product.</summary>
    public float* PackedRows;
}
