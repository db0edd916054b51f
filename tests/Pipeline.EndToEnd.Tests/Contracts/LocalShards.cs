using Pipeline.Model;
using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.StageWorker.Execution;
using TorchSharp;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Shards of a model as stages inside this process.</summary>
internal sealed class LocalShards(string folder, KvCacheSpec cache, int maxChunk) : IAsyncDisposable
{
    private readonly List<(ModelShard Shard, ComputeThread Thread)> _shards = [];

    public async Task<ShardStage> LoadAsync(ShardAssignment assignment)
    {
        var model = ModelConfigFile.Read(folder).Config;
        var thread = new ComputeThread($"stage {assignment.StageIndex}");
        var shard = await thread.RunAsync(() => Load(model, assignment));
        _shards.Add((shard, thread));
        var sequences = new SequenceTable(model, cache, new PlanEpoch(1), maxChunk);
        return new ShardStage(shard.Assignment.StageIndex, input => shard.Begin(sequences.Admit(input.Microbatch), input.Hidden), thread, new StageClock(TimeProvider.System));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (shard, thread) in _shards)
        {
            await thread.RunAsync(() =>
            {
                shard.Dispose();
                return true;
            });
            thread.Dispose();
        }
    }

    private ModelShard Load(ModelConfig model, ShardAssignment assignment)
    {
        TorchRuntime.EnsureLoaded();
        torch.set_num_threads(1);
        using var source = Checkpoint.Open(folder, model, assignment, layout: null, progress: null);
        var shard = ModelShardLoader.Load(model, assignment, source, KernelSelection.Create("torch", model, ElementType.Float32, torch.CPU, threads: 1), CancellationToken.None);
        shard.AllotCache(cache);
        return shard;
    }
}
