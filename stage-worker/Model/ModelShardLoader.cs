using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Model.Layers;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Model;

/// <summary>Builds a shard: takes exactly its own tensors from the source, in layer order.</summary>
public static class ModelShardLoader
{
    public static ModelShard Load(ModelConfig config, ShardAssignment assignment, IWeightSource source, IKernelSet kernels, CancellationToken cancellationToken)
    {
        var embedding = assignment.IsFirst ? kernels.LoadEmbedding(source, TensorSlot.OfModel(TensorKind.Embedding)) : null;
        var layers = new DecoderLayer[assignment.Layers.Count];
        for (var i = 0; i < layers.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            layers[i] = LoadLayer(config, assignment.Layers.Start + i, source, kernels);
        }

        var head = assignment.IsLast ? LoadHead(config, assignment, source, kernels) : null;
        return new ModelShard(config, assignment, kernels, embedding, layers, head);
    }

    private static DecoderLayer LoadLayer(ModelConfig config, int layer, IWeightSource source, IKernelSet kernels)
    {
        TensorSlot At(TensorKind kind) => TensorSlot.OfLayer(kind, layer);
        return new DecoderLayer(
            config,
            kernels,
            kernels.LoadVector(source, At(TensorKind.AttentionNorm)),
            kernels.LoadLinear(source, At(TensorKind.QueryProjection), At(TensorKind.KeyProjection), At(TensorKind.ValueProjection)),
            kernels.LoadLinear(source, At(TensorKind.OutputProjection)),
            kernels.LoadVector(source, At(TensorKind.FeedForwardNorm)),
            config.Moe is { } moe ? new SparseFeedForward(kernels.LoadExperts(source, layer, moe)) : LoadDense(layer, source, kernels));
    }

    private static DenseFeedForward LoadDense(int layer, IWeightSource source, IKernelSet kernels) => new(
        kernels.LoadLinear(source, TensorSlot.OfLayer(TensorKind.GateProjection, layer), TensorSlot.OfLayer(TensorKind.UpProjection, layer)),
        kernels.LoadLinear(source, TensorSlot.OfLayer(TensorKind.DownProjection, layer)));

    private static LmHead LoadHead(ModelConfig config, ShardAssignment assignment, IWeightSource source, IKernelSet kernels) => new(
        kernels,
        kernels.LoadVector(source, TensorSlot.OfModel(TensorKind.FinalNorm)),
        // A shard that holds both ends of a model with tied embeddings lists the shared weight once, as the embedding.
        kernels.LoadLinear(source, TensorSlot.OfModel(config.TiedEmbeddings && assignment.IsFirst ? TensorKind.Embedding : TensorKind.Head)),
        config.NormEpsilon);
}
