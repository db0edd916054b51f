using System.Collections.Concurrent;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// The weights of one shard in a checkpoint folder. Strict: opening fails unless each is there in the expected shape and the
/// folder holds nothing that the model does not know. The bytes of other shards are never touched.
/// </summary>
public sealed class Checkpoint : IStoredWeights
{
    private readonly TensorCatalog _catalog;
    private readonly ModelConfig _config;
    private readonly IProgress<long>? _progress;
    private readonly RowLedger _ledger;
    private readonly Dictionary<TensorSlot, TensorBytes> _tensors;
    private readonly ConcurrentDictionary<TensorSlot, long> _readInPieces = [];

    private Checkpoint(
        TensorCatalog catalog, ModelConfig config, ShardAssignment shard, CheckpointLayout layout, IProgress<long>? progress)
    {
        this._catalog = catalog;
        this._config = config;
        this._progress = progress;
        Layout = layout;
        Slots = ModelTensors.Of(config, shard);
        _ledger = new RowLedger(config, Slots);
        CheckpointRules.RefuseUnknown(catalog, config, layout);
        _tensors = Slots.ToDictionary(slot => slot, slot => CheckpointRules.Find(catalog, config, slot, layout));
    }

    public CheckpointLayout Layout { get; }

    /// <summary>Full paths of the checkpoint's files, those of other shards included.</summary>
    public IReadOnlyList<string> Files => _catalog.Files;

    public IReadOnlyList<TensorSlot> Slots { get; }

    public long TotalBytes => Slots.Sum(BytesOf);

    /// <summary>Opens the checkpoint of a folder for one shard.</summary>
    /// <param name="layout">Null: whatever the folder holds, Hugging Face's files first.</param>
    /// <param name="progress">Told the bytes of every read, in the element type of the file.</param>
    public static Checkpoint Open(
        string directory, ModelConfig config, ShardAssignment shard, CheckpointLayout? layout, IProgress<long>? progress)
    {
        var catalog = TensorCatalog.Open(SafetensorsIndex.Locate(directory, layout));
        try
        {
            return new Checkpoint(catalog, config, shard, layout ?? catalog.DetectLayout(), progress);
        }
        catch
        {
            catalog.Dispose();
            throw;
        }
    }

    public TensorShape ShapeOf(TensorSlot slot) => ModelTensors.ShapeOf(_config, slot.Kind);

    public ElementType TypeOf(TensorSlot slot) => _tensors[slot].Type;

    public void CopyRows(
        TensorSlot slot, long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
    {
        _ledger.Check(slot, rowStart, rowCount, destination.Length, destinationType);
        var rows = RowsOf(slot);
        rows.Copy(rowStart, rowCount, destination, destinationType);
        if (_ledger.MarkRead(slot, rowStart, rowCount))
        {
            _tensors[slot].Release(rows.FirstByte, BytesOf(slot));
        }

        _progress?.Report(rowCount * ShapeOf(slot).Columns * TypeOf(slot).ByteSize());
    }

    public IReadOnlyList<StoredPiece> Cut(TensorSlot slot, int mostBytes) => _tensors.ContainsKey(slot)
        ? RowsOf(slot).Cut(slot, ShapeOf(slot), mostBytes)
        : throw new CheckpointException($"{slot} is not a weight of this shard");

    public void Read(StoredPiece piece, Span<byte> destination)
    {
        piece.Tensor.Read(piece.Offset, destination[..piece.Length]);
        if (_readInPieces.AddOrUpdate(piece.Slot, piece.Length, (_, bytes) => bytes + piece.Length) == BytesOf(piece.Slot))
        {
            _ledger.MarkRead(piece.Slot, 0, piece.Shape.Rows);
        }

        _progress?.Report(piece.Length);
    }

    public void Finish() => _ledger.Close(slot => $"{_tensors[slot].Name} of {_catalog.PathOf(_tensors[slot].Name)}");

    public void Dispose() => _catalog.Dispose();

    private long BytesOf(TensorSlot slot) => ShapeOf(slot).ElementCount * TypeOf(slot).ByteSize();

    private StoredRows RowsOf(TensorSlot slot)
    {
        var shape = ShapeOf(slot);
        var (rows, columns) = ((int)shape.Rows, (int)shape.Columns);
        return slot.Kind switch
        {
            TensorKind.QueryProjection or TensorKind.KeyProjection when Layout != CheckpointLayout.HuggingFace =>
                new InterleavedRows(_tensors[slot], columns, _config.HeadDim),
            TensorKind.DownProjection when CheckpointRules.IsStacked(slot, Layout) =>
                new TransposedRows(_tensors[slot], rows, columns, slot.Expert),
            _ when CheckpointRules.IsStacked(slot, Layout) =>
                new ContiguousRows(_tensors[slot], columns, (long)slot.Expert * rows),
            _ => new ContiguousRows(_tensors[slot], columns, firstRow: 0),
        };
    }
}
