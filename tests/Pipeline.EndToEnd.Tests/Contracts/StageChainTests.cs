using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Three real shards in a row, in this process: a pipeline is a stage.</summary>
public sealed class StageChainTests : StageContract
{
    private protected override async Task<StageUnderTest> CreateAsync()
    {
        var shards = new LocalShards(ModelFolder, Cache, MaxChunk);
        var plan = ShardPlan.FromLayerCounts([2, 2, 2]);
        var stages = await Task.WhenAll(plan.Shards.Select(shards.LoadAsync));
        return new StageUnderTest(new StageChain(stages), InputsAhead: 3 * 5, shards.DisposeAsync);
    }
}
