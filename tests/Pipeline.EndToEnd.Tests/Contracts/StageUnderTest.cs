using Pipeline.Shared.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>A stage to hold against the contract, with what it stands on.</summary>
/// <param name="InputsAhead">How many inputs it may take before the consumer has asked for their outputs.</param>
internal sealed record StageUnderTest(IStage Stage, int InputsAhead, Func<ValueTask> Dispose) : IAsyncDisposable
{
    public StageUnderTest(IStage stage, int inputsAhead)
        : this(stage, inputsAhead, () => ValueTask.CompletedTask)
    {
    }

    public ValueTask DisposeAsync() => Dispose();
}
