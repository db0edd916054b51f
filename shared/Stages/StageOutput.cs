using Pipeline.Shared.Batching;

namespace Pipeline.Shared.Stages;

/// <summary>What leaves a stage: hidden states for the next one, or the result if it is the last.</summary>
public sealed record StageOutput(Microbatch Microbatch, HiddenStates? Hidden, MicrobatchResult? Result, StepTimes Times) : IDisposable
{
    public void Dispose() => Hidden?.Dispose();
}
