namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>A row's part of a step's list of adjustments: seen tokens, then bias, then banned tokens; each ends where the next begins.</summary>
public readonly record struct AdjustmentRange(int Seen, int Biased, int Banned, int End)
{
    public bool IsEmpty => Seen == End;
}
