using System.Runtime.InteropServices;
using Pipeline.Model.Randomness;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// Random weights from a configuration alone, to measure and test without a checkpoint. Each element follows from seed, weight
/// and position, so a model is the same however it is cut into shards and whatever type it computes in.
/// </summary>
public sealed class DummyWeights : IWeightSource
{
    private const float Deviation = 0.02f;
    private const int ChunkElements = 2048;

    private readonly ModelConfig _config;
    private readonly ulong _seed;
    private readonly IProgress<long>? _progress;
    private readonly RowLedger _ledger;

    public DummyWeights(ModelConfig config, ShardAssignment shard, ulong seed, IProgress<long>? progress)
    {
        this._config = config;
        this._seed = seed;
        this._progress = progress;
        Slots = ModelTensors.Of(config, shard);
        _ledger = new RowLedger(config, Slots);
    }

    public IReadOnlyList<TensorSlot> Slots { get; }

    public long TotalBytes => Slots.Sum(slot => ShapeOf(slot).ElementCount * TypeOf(slot).ByteSize());

    public TensorShape ShapeOf(TensorSlot slot) => ModelTensors.ShapeOf(_config, slot.Kind);

    /// <summary>Float16 is replaced by bfloat16, which needs no care for its range.</summary>
    public ElementType TypeOf(TensorSlot slot) =>
        _config.WeightType == ElementType.Float32 ? ElementType.Float32 : ElementType.BFloat16;

    public void CopyRows(
        TensorSlot slot, long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
    {
        _ledger.Check(slot, rowStart, rowCount, destination.Length, destinationType);
        var columns = ShapeOf(slot).Columns;
        Fill(slot, rowStart * columns, destination, destinationType);
        _ledger.MarkRead(slot, rowStart, rowCount);
        _progress?.Report(rowCount * columns * TypeOf(slot).ByteSize());
    }

    /// <summary>Hands over a whole weight as its recipe, for a device that makes the numbers itself.</summary>
    public DummyTensor Describe(TensorSlot slot)
    {
        var shape = ShapeOf(slot);
        _ledger.MarkRead(slot, 0, shape.Rows);
        _progress?.Report(shape.ElementCount * TypeOf(slot).ByteSize());
        return StreamOf(slot).Describe(MeanOf(slot), Deviation);
    }

    public void Finish() => _ledger.Close(slot => slot.ToString());

    public void Dispose()
    {
        // Holds nothing.
    }

    private void Fill(TensorSlot slot, long first, Span<byte> destination, ElementType destinationType)
    {
        var random = StreamOf(slot);
        var mean = MeanOf(slot);
        Span<float> numbers = stackalloc float[ChunkElements];
        var chunkBytes = ChunkElements * destinationType.ByteSize();
        while (!destination.IsEmpty)
        {
            var target = destination[..Math.Min(chunkBytes, destination.Length)];
            var chunk = numbers[..(target.Length / destinationType.ByteSize())];
            random.Fill(chunk, first, mean, Deviation);
            Store(chunk, TypeOf(slot), target, destinationType);
            first += chunk.Length;
            destination = destination[target.Length..];
        }
    }

    private NormalStream StreamOf(TensorSlot slot) => new(_seed, ModelTensors.NameOf(_config, slot, CheckpointLayout.HuggingFace));

    /// <summary>Norms scale, all others project.</summary>
    private float MeanOf(TensorSlot slot) => ShapeOf(slot).IsVector ? 1f : 0f;

    /// <summary>Rounds to the stored type first, as if the numbers came out of a file.</summary>
    private static void Store(Span<float> numbers, ElementType storedType, Span<byte> target, ElementType targetType)
    {
        Span<byte> stored = stackalloc byte[ChunkElements * sizeof(float)];
        stored = stored[..(numbers.Length * storedType.ByteSize())];
        ElementConverter.Convert(MemoryMarshal.AsBytes(numbers), ElementType.Float32, stored, storedType);
        ElementConverter.Convert(stored, storedType, target, targetType);
    }
}
