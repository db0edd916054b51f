using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>The simplest stage there is: what other tests build on keeps the contract too.</summary>
public sealed class EchoStageTests : HiddenStageContract
{
    private protected override Task<StageUnderTest> CreateAsync() =>
        Task.FromResult(new StageUnderTest(new EchoStage(new ShardAssignment(1, 2, new LayerRange(3, 6))), inputsAhead: 0));
}
