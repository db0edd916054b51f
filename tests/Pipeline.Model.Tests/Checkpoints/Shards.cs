using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Model.Tests.Checkpoints;

/// <summary>Splits for tests, and reading a weight whole.</summary>
internal static class Shards
{
    public static ShardAssignment Whole(ModelConfig config) => Of(config, 1)[0];

    public static IReadOnlyList<ShardAssignment> Of(ModelConfig config, int stages) => ShardPlan.FromLayerCounts(
        [.. Enumerable.Range(0, stages).Select(stage => (config.LayerCount / stages) + (stage < config.LayerCount % stages ? 1 : 0))]).Shards;

    public static byte[] ReadAll(this IWeightSource source, TensorSlot slot, ElementType type)
    {
        var shape = source.ShapeOf(slot);
        var bytes = new byte[shape.ElementCount * type.ByteSize()];
        source.CopyRows(slot, 0, shape.Rows, bytes, type);
        return bytes;
    }

    public static byte[] ReadAll(this IWeightSource source, TensorSlot slot) => source.ReadAll(slot, source.TypeOf(slot));
}
