using Pipeline.Shared.Sharding;

namespace Pipeline.Shared.Models;

/// <summary>How many parameters a model has, where they are and what they weigh; computed from its shape alone.</summary>
public sealed class ModelSize(ModelConfig config)
{
    /// <summary>All parameters; a head that shares the embedding's weight counts once.</summary>
    public long TotalParameters => Count(ModelTensors.Of(config));

    /// <summary>Parameters that one token passes: of the experts only those it visits.</summary>
    public long ActiveParameters => config.Moe is { } moe
        ? TotalParameters - ((moe.ExpertCount - moe.ExpertsPerToken) * ExpertParameters * config.LayerCount)
        : TotalParameters;

    public long EmbeddingParameters => OfKind(TensorKind.Embedding);

    /// <summary>Zero if the head shares the embedding's weight.</summary>
    public long HeadParameters => config.TiedEmbeddings ? 0 : OfKind(TensorKind.Head);

    public long LayerParameters => Count(ModelTensors.Of(config, MiddleShard(1)));

    /// <summary>One feed-forward block: the dense one, or one expert.</summary>
    public long ExpertParameters =>
        OfKind(TensorKind.GateProjection) + OfKind(TensorKind.UpProjection) + OfKind(TensorKind.DownProjection);

    public long TotalBytes => Bytes(TotalParameters);

    public long LayerBytes => Bytes(LayerParameters);

    public long EmbeddingBytes => Bytes(EmbeddingParameters);

    public long HeadBytes => Bytes(HeadParameters);

    /// <summary>Parameters of one kind: over the experts of one layer, or of the whole model where the kind is no layer's.</summary>
    public long ParametersOf(TensorKind kind) => ModelTensors.Of(config)
        .Where(slot => slot.Kind == kind && slot.Layer <= 0)
        .Sum(slot => OfKind(slot.Kind));

    public long ParametersOf(ShardAssignment shard) => Count(ModelTensors.Of(config, shard));

    /// <summary>Bytes of a shard's weights in the checkpoint's element type.</summary>
    public long BytesOf(ShardAssignment shard) => Bytes(ParametersOf(shard));

    /// <summary>Keys and values of one token in one layer's cache.</summary>
    public long KvBytesPerTokenPerLayer(ElementType elementType) =>
        2L * config.KvHeadCount * config.HeadDim * elementType.ByteSize();

    private static ShardAssignment MiddleShard(int layerCount) => new(1, 3, new LayerRange(0, layerCount));

    private long Bytes(long parameters) => parameters * config.WeightType.ByteSize();

    private long Count(IEnumerable<TensorSlot> slots) => slots.Sum(slot => OfKind(slot.Kind));

    private long OfKind(TensorKind kind) => ModelTensors.ShapeOf(config, kind).ElementCount;
}
