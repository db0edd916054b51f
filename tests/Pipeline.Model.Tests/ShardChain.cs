using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests;

/// <summary>A row of shards in one process, each with its own cache and its own view of the sequences, fed microbatches by hand.</summary>
internal sealed class ShardChain : IDisposable
{
    private readonly List<ModelShard> _shards = [];
    private readonly List<SequenceTable> _tables = [];

    public ShardChain(RandomWeights weights, KvCacheSpec spec, string kernels, ElementType type = ElementType.Float32, params IReadOnlyList<int> layerCounts)
        : this(weights, spec, kernels, type, torch.CPU, layerCounts)
    {
    }

    public ShardChain(RandomWeights weights, KvCacheSpec spec, string kernels, ElementType type, torch.Device device, IReadOnlyList<int> layerCounts)
    {
        var config = weights.Config;
        Spec = spec;
        Writer = new MicrobatchWriter(spec, seed: 7);
        foreach (var assignment in ShardPlan.FromLayerCounts(layerCounts.Count > 0 ? layerCounts : [config.LayerCount]).Shards)
        {
            using var source = new MemoryWeights(weights, assignment);
            var shard = ModelShardLoader.Load(config, assignment, source, KernelSelection.Create(kernels, config, type, device, threads: 1), CancellationToken.None);
            shard.AllotCache(spec);
            _shards.Add(shard);
            _tables.Add(new SequenceTable(config, spec, new PlanEpoch(1), maxBatchTokens: 4096));
        }
    }

    public KvCacheSpec Spec { get; }

    public MicrobatchWriter Writer { get; }

    public IReadOnlyList<ModelShard> Shards => _shards;

    public IReadOnlyList<SequenceTable> Tables => _tables;

    public IReadOnlyList<SliceResult> Step(params IReadOnlyList<PlannedSlice> slices) => Step(Writer.Next(slices));

    /// <summary>One step through all shards; hidden states travel as they do between processes, as bytes.</summary>
    public IReadOnlyList<SliceResult> Step(Microbatch microbatch)
    {
        HiddenStates? hidden = null;
        for (var i = 0; i < _shards.Count; i++)
        {
            using var input = hidden;
            var output = _shards[i].Forward(_tables[i].Admit(microbatch), input);
            hidden = output.Hidden;
            if (output.Results is { } results)
            {
                return results;
            }
        }

        throw new InvalidOperationException("the last shard gave no results");
    }

    /// <summary>A sequence's raw logits by position, its tokens fed in chunks of the sizes given; the last size repeats.</summary>
    public float[][] Feed(long sequence, int[] tokens, params IReadOnlyList<int> chunks)
    {
        var rows = new List<float[]>();
        for (var (at, chunk) = (0, 0); at < tokens.Length; chunk++)
        {
            var size = Math.Min(chunks[Math.Min(chunk, chunks.Count - 1)], tokens.Length - at);
            rows.AddRange(Rows(Step(new PlannedSlice(sequence, tokens[at..(at + size)]))[0]));
            at += size;
        }

        return [.. rows];
    }

    /// <summary>The raw logits of a slice by row.</summary>
    public float[][] Rows(SliceResult result) => [.. result.Logits!.Chunk(_shards[0].Config.VocabularySize)];

    /// <summary>Makes whoever reads a slot that was never written find NaN.</summary>
    public void PoisonCaches()
    {
        foreach (var shard in _shards)
        {
            for (var layer = shard.Assignment.Layers.Start; layer < shard.Assignment.Layers.End; layer++)
            {
                shard.Cache[layer].Keys.fill_(Scalars.Of(double.NaN));
                shard.Cache[layer].Values.fill_(Scalars.Of(double.NaN));
            }
        }
    }

    public void Dispose() => _shards.ForEach(shard => shard.Dispose());
}
