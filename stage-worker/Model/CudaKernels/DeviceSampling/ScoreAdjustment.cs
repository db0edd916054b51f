namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>One entry of a step's list of adjustments as sampling.cu reads it.</summary>
/// <param name="Bits">How often a seen token was generated, or a bias as a float's bits.</param>
public readonly record struct ScoreAdjustment(int Token, int Bits);
