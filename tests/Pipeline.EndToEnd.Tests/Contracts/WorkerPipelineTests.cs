using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Three worker processes behind gRPC, steps through shared memory: the product on one host.</summary>
public sealed class WorkerPipelineTests(WorkerPool pool) : StageContract
{
    private const int MaxInFlight = 128;

    private protected override async Task<StageUnderTest> CreateAsync()
    {
        var settings = TestPipelines.SettingsFor(ModelFolder, stages: 3) with { MaxBatchedTokens = MaxChunk, Transport = HopTransport.Ipc };
        var pipeline = await TestPipelines.StartAsync(settings, await pool.TakeAsync(3));
        return new StageUnderTest(pipeline.Stage, MaxInFlight + 2, pipeline.DisposeAsync);
    }
}
