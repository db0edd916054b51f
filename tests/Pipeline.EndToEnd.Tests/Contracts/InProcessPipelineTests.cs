using Pipeline.EndToEnd.Tests.Pipelines;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Three workers in this process behind gRPC.</summary>
public sealed class InProcessPipelineTests(InProcessWorkers workers) : StageContract, IClassFixture<InProcessWorkers>
{
    private const int MaxInFlight = 128;

    // What is in flight, one that waits to be, and one that was answered and is held by the pipeline.
    private protected override async Task<StageUnderTest> CreateAsync()
    {
        var settings = TestPipelines.SettingsFor(ModelFolder, stages: 3) with { MaxBatchedTokens = MaxChunk, Workers = [.. await workers.AddressesAsync(3)] };
        var pipeline = await TestPipelines.StartAsync(settings);
        Assert.Equal(Cache.Groups[0], pipeline.Cache.Groups[0]);
        return new StageUnderTest(pipeline.Stage, MaxInFlight + 2, pipeline.DisposeAsync);
    }
}
