using System.Runtime.InteropServices;
using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests;

/// <summary>The oracle's weights as the source that a shard is loaded from. Strict about order and completeness, like a checkpoint.</summary>
internal sealed class MemoryWeights(RandomWeights weights, ShardAssignment shard) : IWeightSource
{
    private readonly HashSet<TensorSlot> _unread = [.. ModelTensors.Of(weights.Config, shard)];

    public IReadOnlyList<TensorSlot> Slots { get; } = ModelTensors.Of(weights.Config, shard);

    public long TotalBytes => Slots.Sum(slot => ShapeOf(slot).ElementCount * sizeof(float));

    public TensorShape ShapeOf(TensorSlot slot) => ModelTensors.ShapeOf(weights.Config, slot.Kind);

    public ElementType TypeOf(TensorSlot slot) => ElementType.Float32;

    public void CopyRows(TensorSlot slot, long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
    {
        Assert.Contains(slot, Slots);
        var columns = ShapeOf(slot).Columns;
        var source = weights[slot].AsSpan(checked((int)(rowStart * columns)), checked((int)(rowCount * columns)));
        ElementConverter.Convert(MemoryMarshal.AsBytes(source), ElementType.Float32, destination, destinationType);
        _unread.Remove(slot);
    }

    public void Finish() => Assert.Empty(_unread);

    public void Dispose()
    {
        // Holds nothing.
    }
}
