using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Sharding;

/// <summary>Costs of all parts of a model, from its configuration alone: nothing is loaded.</summary>
/// <param name="Embedding">Held by the first stage. Large in memory, but a token gathers a single row of it.</param>
/// <param name="Layers">By global layer index. A sparse layer keeps all experts in memory and reads those that a token visits.</param>
/// <param name="Head">Final norm and output head, held by the last stage and read whole.</param>
public sealed record LayerCosts(PartCost Embedding, IReadOnlyList<PartCost> Layers, PartCost Head)
{
    /// <summary>True when the head reads the embedding's weight: a stage that holds both stores it once.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Costs of a model whose weights are held in <paramref name="elementType"/>.</summary>
    public static LayerCosts Of(ModelConfig config, ElementType elementType)
    {
        var width = elementType.ByteSize();
        long hidden = config.HiddenSize;
        var table = config.VocabularySize * hidden * width;
        var norm = hidden * width;
        return new LayerCosts(
            new PartCost(1, table, hidden * width),
            [.. Enumerable.Repeat(Layer(config, width), config.LayerCount)],
            new PartCost(2, table + norm, table + norm))
        {
            TiedEmbeddings = config.TiedEmbeddings,
        };
    }

    /// <summary>Everything that a stage holds.</summary>
    public PartCost Of(ShardAssignment shard)
    {
        var cost = Layers.Skip(shard.Layers.Start).Take(shard.Layers.Count).Aggregate(default(PartCost), PartCost.Add);
        cost = shard.IsFirst ? cost + Embedding : cost;
        cost = shard.IsLast ? cost + Head : cost;
        return shard is { IsFirst: true, IsLast: true } && TiedEmbeddings
            ? cost with { Tensors = cost.Tensors - 1, WeightBytes = cost.WeightBytes - Embedding.WeightBytes }
            : cost;
    }

    private static PartCost Layer(ModelConfig config, int width)
    {
        long hidden = config.HiddenSize;
        var attention = (config.QkvSize * hidden) + ((long)config.HeadCount * config.HeadDim * hidden);
        var expert = 3 * hidden * config.IntermediateSize;
        var shared = attention + (2 * hidden);
        if (config.Moe is not { } moe)
        {
            return new PartCost(2 + 4 + 3, (shared + expert) * width, (shared + expert) * width);
        }

        shared += moe.ExpertCount * hidden;
        return new PartCost(
            2 + 4 + 1 + (3 * moe.ExpertCount),
            (shared + (moe.ExpertCount * expert)) * width,
            (shared + (moe.ExpertsPerToken * expert)) * width);
    }
}
