using Pipeline.Shared.Sampling;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>One row's draw as the device gets it.</summary>
/// <param name="Position">Of the token to be drawn.</param>
/// <param name="Adjustments">Where the row's adjustments lie in the step's list.</param>
public readonly record struct SamplingChoice(SamplingParams Sampling, int Position, AdjustmentRange Adjustments)
{
    /// <summary>For rows that only fill up a batch.</summary>
    public static SamplingChoice Padding { get; } = new(new SamplingParams { Temperature = 0 }, 0, default);
}
