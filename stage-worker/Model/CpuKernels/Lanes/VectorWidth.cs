namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>Which implementation of <see cref="ILanes{TSelf}"/> the kernels run on. It changes their speed, never their bits.</summary>
internal enum VectorWidth
{
    Scalar = 0,
    Bits256 = 1,
    Bits512 = 2,
}
