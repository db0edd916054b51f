using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.Shared.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Three workers in this process behind gRPC, steps over the network: the product on several hosts.</summary>
public sealed class InProcessPipelineTests(InProcessWorkers workers) : StageContract, IClassFixture<InProcessWorkers>
{
    private const int MaxInFlight = 128;

    // What is in flight, one that waits to be, and one that was answered and is held by the pipeline.
    private protected override async Task<StageUnderTest> CreateAsync()
    {
        var settings = TestPipelines.SettingsFor(ModelFolder, stages: 3) with { MaxBatchedTokens = MaxChunk, Transport = HopTransport.Grpc, Workers = [.. await workers.AddressesAsync(3)] };
        var pipeline = await TestPipelines.StartAsync(settings);
        Assert.Equal(Cache.Groups[0], pipeline.Cache.Groups[0]);
        return new StageUnderTest(pipeline.Stage, MaxInFlight + 2, pipeline.DisposeAsync);
    }
}
