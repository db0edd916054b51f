using Pipeline.Shared.Sharding;

namespace Pipeline.Shared.Models;

/// <summary>Which weights a model or one of its shards consists of, and their shapes; the same list for planning and for loading.</summary>
public static class ModelTensors
{
    /// <summary>All weights of the model, in the order of computation.</summary>
    public static IReadOnlyList<TensorSlot> Of(ModelConfig config) =>
        Of(config, new ShardAssignment(0, 1, new LayerRange(0, config.LayerCount)));

    /// <summary>
    /// The weights of a shard, in the order of computation. If the head shares the embedding's weight, a shard that holds
    /// both lists it once, as the embedding.
    /// </summary>
    public static IReadOnlyList<TensorSlot> Of(ModelConfig config, ShardAssignment shard)
    {
        var slots = new List<TensorSlot>();
        if (shard.IsFirst)
        {
            slots.Add(TensorSlot.OfModel(TensorKind.Embedding));
        }

        for (var layer = shard.Layers.Start; layer < shard.Layers.End; layer++)
        {
            AddLayer(slots, config, layer);
        }

        if (shard.IsLast)
        {
            slots.Add(TensorSlot.OfModel(TensorKind.FinalNorm));
            if (!config.TiedEmbeddings || !shard.IsFirst)
            {
                slots.Add(TensorSlot.OfModel(TensorKind.Head));
            }
        }

        return slots;
    }

    public static TensorShape ShapeOf(ModelConfig config, TensorKind kind) => kind switch
    {
        TensorKind.Embedding or TensorKind.Head => TensorShape.Matrix(config.VocabularySize, config.HiddenSize),
        TensorKind.AttentionNorm or TensorKind.FeedForwardNorm or TensorKind.FinalNorm => TensorShape.Vector(config.HiddenSize),
        TensorKind.QueryProjection => TensorShape.Matrix((long)config.HeadCount * config.HeadDim, config.HiddenSize),
        TensorKind.KeyProjection or TensorKind.ValueProjection =>
            TensorShape.Matrix((long)config.KvHeadCount * config.HeadDim, config.HiddenSize),
        TensorKind.OutputProjection => TensorShape.Matrix(config.HiddenSize, (long)config.HeadCount * config.HeadDim),
        TensorKind.Router => TensorShape.Matrix(config.Moe?.ExpertCount ?? 0, config.HiddenSize),
        TensorKind.GateProjection or TensorKind.UpProjection => TensorShape.Matrix(config.IntermediateSize, config.HiddenSize),
        TensorKind.DownProjection => TensorShape.Matrix(config.HiddenSize, config.IntermediateSize),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "a tensor kind without a shape"),
    };

    /// <summary>Name of a weight in a layout; a tied head goes by the embedding's name.</summary>
    public static string NameOf(ModelConfig config, TensorSlot slot, CheckpointLayout layout) =>
        slot.Kind == TensorKind.Head && config.TiedEmbeddings
            ? TensorNames.Of(TensorSlot.OfModel(TensorKind.Embedding), layout)
            : TensorNames.Of(slot, layout);

    private static void AddLayer(List<TensorSlot> slots, ModelConfig config, int layer)
    {
        slots.AddRange(
            from kind in (TensorKind[])[
                TensorKind.AttentionNorm, TensorKind.QueryProjection, TensorKind.KeyProjection, TensorKind.ValueProjection,
                TensorKind.OutputProjection, TensorKind.FeedForwardNorm]
            select TensorSlot.OfLayer(kind, layer));
        if (config.Moe is not { } moe)
        {
            AddFeedForward(slots, layer, TensorSlot.None);
            return;
        }

        slots.Add(TensorSlot.OfLayer(TensorKind.Router, layer));
        for (var expert = 0; expert < moe.ExpertCount; expert++)
        {
            AddFeedForward(slots, layer, expert);
        }
    }

    private static void AddFeedForward(List<TensorSlot> slots, int layer, int expert)
    {
        slots.Add(new TensorSlot(TensorKind.GateProjection, layer, expert));
        slots.Add(new TensorSlot(TensorKind.UpProjection, layer, expert));
        slots.Add(new TensorSlot(TensorKind.DownProjection, layer, expert));
    }
}
