using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Model.Layers;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using TorchSharp;

namespace Pipeline.Model;

/// <summary>
/// Builds a shard: takes exactly its own tensors from the source, in layer order. The shard owns the kernels; if loading fails,
/// they and everything loaded so far are given back.
/// </summary>
public sealed class ModelShardLoader
{
    private readonly ModelConfig _config;
    private readonly IWeightSource _source;
    private readonly IKernelSet _kernels;
    private readonly LoadScope _scope;

    private ModelShardLoader(ModelConfig config, IWeightSource source, IKernelSet kernels, LoadScope scope)
    {
        _config = config;
        _source = source;
        _kernels = kernels;
        _scope = scope;
    }

    public static ModelShard Load(ModelConfig config, ShardAssignment assignment, IWeightSource source, IKernelSet kernels, CancellationToken cancellationToken)
    {
        using var scope = new LoadScope();
        scope.Keep(kernels);
        var shard = new ModelShardLoader(config, source, kernels, scope).LoadShard(assignment, cancellationToken);
        kernels.CompleteLoading(cancellationToken);
        source.Finish();
        return scope.Complete(shard);
    }

    private ModelShard LoadShard(ShardAssignment assignment, CancellationToken cancellationToken)
    {
        var embedding = assignment.IsFirst ? _scope.Keep(_kernels.LoadEmbedding(_source, TensorSlot.OfModel(TensorKind.Embedding))) : null;
        var layers = new DecoderLayer[assignment.Layers.Count];
        for (var i = 0; i < layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            layers[i] = LoadLayer(assignment.Layers.Start + i);
        }

        var head = assignment.IsLast ? LoadHead(assignment) : null;
        return new ModelShard(_config, assignment, _kernels, new ShardBody(assignment, _kernels, embedding, layers, head));
    }

    private DecoderLayer LoadLayer(int layer)
    {
        TensorSlot At(TensorKind kind) => TensorSlot.OfLayer(kind, layer);
        return new DecoderLayer(
            _config,
            _kernels,
            Vector(At(TensorKind.AttentionNorm)),
            Linear(At(TensorKind.QueryProjection), At(TensorKind.KeyProjection), At(TensorKind.ValueProjection)),
            Linear(At(TensorKind.OutputProjection)),
            Vector(At(TensorKind.FeedForwardNorm)),
            _config.Moe is { } moe ? new SparseFeedForward(_scope.Keep(_kernels.LoadExperts(_source, layer, moe))) : LoadDense(layer));
    }

    private DenseFeedForward LoadDense(int layer) => new(
        Linear(TensorSlot.OfLayer(TensorKind.GateProjection, layer), TensorSlot.OfLayer(TensorKind.UpProjection, layer)),
        Linear(TensorSlot.OfLayer(TensorKind.DownProjection, layer)));

    private LmHead LoadHead(ShardAssignment assignment) => new(
        _kernels,
        Vector(TensorSlot.OfModel(TensorKind.FinalNorm)),
        // A shard that holds both ends of a model with tied embeddings lists the shared weight once, as the embedding.
        Linear(TensorSlot.OfModel(_config.TiedEmbeddings && assignment.IsFirst ? TensorKind.Embedding : TensorKind.Head)),
        _config.NormEpsilon);

    private torch.Tensor Vector(TensorSlot slot) => _scope.Keep(_kernels.LoadVector(_source, slot));

    private LinearWeight Linear(params IReadOnlyList<TensorSlot> slots) => _scope.Keep(_kernels.LoadLinear(_source, slots));
}
