using Pipeline.Model;
using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using TorchSharp;

namespace Pipeline.StageWorker.Tests;

/// <summary>The same model as the workers', computed here: the undisturbed run that they are compared with.</summary>
internal sealed class LocalPipeline : IDisposable
{
    private readonly List<ModelShard> _shards = [];
    private readonly List<SequenceTable> _tables = [];

    public LocalPipeline(ElementType type = ElementType.Float32, params IReadOnlyList<int> layerCounts)
    {
        TorchRuntime.EnsureLoaded();
        foreach (var assignment in ShardPlan.FromLayerCounts(layerCounts.Count > 0 ? layerCounts : [Models.Config.LayerCount]).Shards)
        {
            using var source = new DummyWeights(Models.Config, assignment, Models.Seed, null);
            var kernels = KernelSelection.Create(KernelSelection.Auto, Models.Config, type, torch.CPU, threads: 1);
            var shard = ModelShardLoader.Load(Models.Config, assignment, source, kernels, CancellationToken.None);
            shard.AllotCache(Models.Spec);
            _shards.Add(shard);
            _tables.Add(new SequenceTable(Models.Config, Models.Spec, new PlanEpoch(1), Models.MaxBatchTokens));
        }
    }

    /// <summary>Results of one step, if the last shard is among these.</summary>
    public IReadOnlyList<SliceResult>? Step(Microbatch microbatch)
    {
        var output = StepThrough(microbatch, _shards.Count);
        output.Hidden?.Dispose();
        return output.Results;
    }

    /// <summary>What the first stage would send to the second.</summary>
    public HiddenStates FirstHidden(Microbatch microbatch) => StepThrough(microbatch, 1).Hidden!;

    public void Dispose() => _shards.ForEach(shard => shard.Dispose());

    private ShardOutput StepThrough(Microbatch microbatch, int shards)
    {
        var output = _shards[0].Forward(_tables[0].Admit(microbatch), null);
        for (var i = 1; i < shards; i++)
        {
            using var hidden = output.Hidden;
            output = _shards[i].Forward(_tables[i].Admit(microbatch), hidden);
        }

        return output;
    }
}
