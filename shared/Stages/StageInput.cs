using Pipeline.Shared.Batching;

namespace Pipeline.Shared.Stages;

/// <summary>What enters a stage: the microbatch, and the hidden states of the stage before unless it is the first.</summary>
public sealed record StageInput(Microbatch Microbatch, HiddenStates? Hidden) : IDisposable
{
    public void Dispose() => Hidden?.Dispose();
}
