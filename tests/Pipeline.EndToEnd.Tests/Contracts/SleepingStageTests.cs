using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>The stage that schedules are measured with.</summary>
public sealed class SleepingStageTests : HiddenStageContract
{
    // Two outputs wait, a third cannot be handed over.
    private protected override Task<StageUnderTest> CreateAsync() => Task.FromResult(new StageUnderTest(
        new SleepingStage(new ShardAssignment(1, 2, new LayerRange(3, 6)), TimeSpan.FromMilliseconds(1), TimeProvider.System, _ => { }), inputsAhead: 3));
}
