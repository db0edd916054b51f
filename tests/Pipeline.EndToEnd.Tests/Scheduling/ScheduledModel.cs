using System.Runtime.InteropServices;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Model;
using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using TorchSharp;

namespace Pipeline.EndToEnd.Tests.Scheduling;

/// <summary>
/// The scheduler over real shards with the CPU kernels, without threads or wires in between. Every row is asked for its raw
/// logits behind the scheduler's back, so that they can be compared also where nobody wants them.
/// </summary>
internal sealed class ScheduledModel : IDisposable
{
    private readonly ModelConfig _model;
    private readonly SchedulerOptions _options;
    private readonly KvCacheSpec _cache;
    private readonly List<ModelShard> _shards = [];
    private readonly Queue<MicrobatchResult> _pipe = new();
    private List<SequenceTable> _tables = [];
    private long _epoch;

    public ScheduledModel(string folder, ModelConfig model, SchedulerOptions options, KvCacheSpec cache, int stages)
    {
        (_model, _options, _cache, _epoch) = (model, options, cache, options.Epoch.Value);
        Scheduler = new Scheduler(options, cache);
        TorchRuntime.EnsureLoaded();
        foreach (var assignment in ShardPlan.FromLayerCounts([.. Enumerable.Range(0, stages).Select(stage => (model.LayerCount + stage) / stages)]).Shards)
        {
            using var source = Checkpoint.Open(folder, model, assignment, layout: null, progress: null);
            var shard = ModelShardLoader.Load(model, assignment, source, KernelSelection.Create("cpu", model, ElementType.Float32, torch.CPU, threads: 1), CancellationToken.None);
            shard.AllotCache(cache);
            _shards.Add(shard);
        }

        ForgetEverything();
    }

    public Scheduler Scheduler { get; }

    /// <summary>Everything that came of each sequence.</summary>
    public Dictionary<SequenceId, ScheduledSequence> Sequences { get; } = [];

    /// <summary>Rows that were computed; fewer than there are positions if prefixes were found.</summary>
    public long ComputedRows { get; private set; }

    public SequenceId Add(SequenceRequest request)
    {
        var id = Scheduler.Add(request);
        Sequences.Add(id, new ScheduledSequence());
        return id;
    }

    /// <summary>Sends what can be sent and takes one result.</summary>
    public void Step()
    {
        while (Scheduler.TrySchedule() is { } microbatch)
        {
            _pipe.Enqueue(Forward(microbatch));
        }

        if (_pipe.TryDequeue(out var result))
        {
            foreach (var update in Scheduler.Complete(result))
            {
                Sequences[update.Sequence].Take(update);
            }
        }
    }

    public void RunToEnd()
    {
        while (Scheduler.HasWork)
        {
            Step();
        }
    }

    public void Cancel(SequenceId id)
    {
        if (Scheduler.Cancel(id) is { } update)
        {
            Sequences[id].Take(update);
        }
    }

    /// <summary>The stages lose all they know, as after a change of plan.</summary>
    public void Restart()
    {
        _pipe.Clear();
        Scheduler.Restart(new PlanEpoch(++_epoch));
        ForgetEverything();
    }

    public void Dispose() => _shards.ForEach(shard => shard.Dispose());

    /// <summary>Whoever reads a slot that nobody wrote since finds NaN.</summary>
    private void ForgetEverything()
    {
        _tables = [.. _shards.Select(_ => new SequenceTable(_model, _cache, new PlanEpoch(_epoch), _options.MaxBatchedTokens))];
        foreach (var shard in _shards)
        {
            for (var layer = shard.Assignment.Layers.Start; layer < shard.Assignment.Layers.End; layer++)
            {
                shard.Cache[layer].Keys.fill_(float.NaN);
                shard.Cache[layer].Values.fill_(float.NaN);
            }
        }
    }

    private MicrobatchResult Forward(Microbatch microbatch)
    {
        var asked = microbatch with { Slices = [.. microbatch.Slices.Select(slice => slice with { Logits = slice.Logits | LogitsRequest.Raw })] };
        ShardOutput output = new(null, null);
        for (var stage = 0; stage < _shards.Count; stage++)
        {
            using var hidden = output.Hidden;
            output = _shards[stage].Forward(_tables[stage].Admit(asked), hidden);
        }

        foreach (var (slice, result) in microbatch.Slices.Zip(output.Results!))
        {
            ComputedRows += slice.Tokens.Length;
            Sequences[slice.Sequence].Note(slice, MemoryMarshal.Cast<float, int>(result.Logits));
        }

        return new MicrobatchResult(microbatch.Epoch, microbatch.Step, microbatch.Id, output.Results!);
    }
}
