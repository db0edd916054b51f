using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Stages;

/// <summary>V-14: a stage needs little more memory to load its shard than to hold it, and nothing for the shards of others.</summary>
public sealed class LoadMemoryTests
{
    private const double PeakOverShard = 1.2;

    /// <summary>No weight is more than a twelfth of a shard.</summary>
    private static readonly ModelConfig Model = TestModels.Wide with
    {
        Name = "large",
        HiddenSize = 1024,
        LayerCount = 8,
        HeadCount = 8,
        KvHeadCount = 8,
        HeadDim = 128,
        IntermediateSize = 4096,
        VocabularySize = 4096,
    };

    [Theory]
    [InlineData("torch")]
    [InlineData("cpu")]
    public async Task Load_FromACheckpoint_PeaksLittleAboveTheShard(string kernels)
    {
        using var checkpoint = new SparseCheckpoint(Model);
        // Fresh ones: memory that an allocator keeps from an earlier shard would hide what this one needs.
        await using var pool = new WorkerPool();
        var workers = await pool.TakeAsync(2);

        // What the process itself needs once, libraries above all, is not the shard's.
        await LoadAsync(TestPipelines.SettingsFor(Fixtures.TinyMixtral, stages: 2) with { Kernels = kernels }, workers);
        var before = workers.Select(worker => ProcessTable.ResidentBytes(worker.Id)).ToList();
        workers.ToList().ForEach(worker => ProcessTable.ForgetPeak(worker.Id));

        await LoadAsync(TestPipelines.SettingsFor(Model, stages: 2) with { ModelDirectory = checkpoint.Path, DummyWeights = false, Kernels = kernels }, workers);

        Assert.All(workers.Index(), worker =>
        {
            var shard = new ModelSize(Model).BytesOf(new ShardAssignment(worker.Index, 2, new LayerRange(4 * worker.Index, 4 * (worker.Index + 1))));
            var peak = ProcessTable.PeakResidentBytes(worker.Item.Id) - before[worker.Index];
            Assert.InRange((double)peak / shard, 0.5, PeakOverShard);
        });
    }

    private static async Task LoadAsync(Coordinator.Stages.PipelineSettings settings, IReadOnlyList<Coordinator.Stages.WorkerProcess> workers)
    {
        await using var pipeline = await TestPipelines.StartAsync(settings, workers);
    }
}
