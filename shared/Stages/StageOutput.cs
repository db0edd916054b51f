using Pipeline.Shared.Batching;

namespace Pipeline.Shared.Stages;

/// <summary>What leaves a stage: hidden states for the next one, or the result if it is the last.</summary>
public sealed record StageOutput(Microbatch Microbatch, HiddenStates? Hidden, MicrobatchResult? Result, StepTimes Times) : IDisposable
{
    /// <summary>
    /// The times, where the step is still being computed: its hidden states may go on at once, because whoever reads them waits
    /// for them on the device. Null where the step is over.
    /// </summary>
    public Task<StepTimes>? Ending { get; init; }

    public void Dispose() => Hidden?.Dispose();
}
