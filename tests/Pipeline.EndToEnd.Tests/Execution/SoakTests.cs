using Pipeline.Coordinator.Scheduling;
using Pipeline.EndToEnd.Tests.Contracts;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;
using TorchSharp;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>A long sequence with a window costs what a short one does: no tensor, no byte more.</summary>
public sealed class SoakTests(InProcessWorkers workers) : IClassFixture<InProcessWorkers>
{
    private const int Stages = 2;
    private const int Steps = 1000;

    [Theory]
    [InlineData("torch")]
    [InlineData("cpu")]
    public async Task Decode_AThousandSteps_KeepsTensorsAndMemoryConstant(string kernels)
    {
        var settings = TestPipelines.SettingsFor(Fixtures.TinyMixtral, Stages) with
        {
            Kernels = kernels,
            MaxModelLength = Steps + 10,
            MaxBatchedTokens = 16,
            MaxSequences = 1,
            Workers = [.. await workers.AddressesAsync(Stages)],
        };
        await using var pipeline = await TestPipelines.StartAsync(settings);
        await using var loop = TestPipelines.LoopOf(pipeline);
        var generating = GeneratedSequence.ReadAsync(loop.Submit(new SequenceRequest { Prompt = [1, 5, 9], MaxTokens = Steps, IgnoreEos = true, Sampling = new() { Seed = 3 } }));
        await Eventually.HoldsAsync(() => loop.CompletedSteps > Steps / 5, "the sequence has filled its ring several times");
        var cacheBytes = CacheBytes();
        var tensors = await LiveTensorsAsync();
        var resident = ProcessTable.ResidentBytes(Environment.ProcessId);

        await Eventually.HoldsAsync(() => loop.CompletedSteps > Steps * 4 / 5, "most of the sequence");
        Assert.Equal(tensors, await LiveTensorsAsync());
        var result = await generating;

        Assert.Equal(Steps, result.Tokens.Count);
        Assert.Equal(cacheBytes, CacheBytes());
        // Blocks for the window of 64 and a chunk of 16, whatever the length.
        Assert.Equal(5, pipeline.Cache.Groups[0].BlockCount);
        Assert.InRange(ProcessTable.ResidentBytes(Environment.ProcessId), 0, resident + (32L << 20));
    }

    private long[] CacheBytes() => [.. Enumerable.Range(0, Stages).Select(worker => workers.SessionOf(worker)!.RequireShard().Cache.ByteCount)];

    /// <summary>Counted on both compute threads at once, which is to say while neither stage is in the middle of a step.</summary>
    private Task<long> LiveTensorsAsync()
    {
        var (first, second) = (workers.SessionOf(0)!.Thread, workers.SessionOf(1)!.Thread);
        return first.RunAsync(() => second.RunAsync(() => torch.Tensor.TotalCount).GetAwaiter().GetResult());
    }
}
