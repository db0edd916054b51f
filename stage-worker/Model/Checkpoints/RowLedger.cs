using System.Collections;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>Keeps account of which rows of which weights have been read, so that loading can prove itself complete.</summary>
internal sealed class RowLedger
{
    private readonly ModelConfig _config;
    private readonly Dictionary<TensorSlot, Account> _accounts;

    public RowLedger(ModelConfig config, IReadOnlyList<TensorSlot> slots)
    {
        this._config = config;
        _accounts = slots.ToDictionary(slot => slot, slot => new Account(checked((int)ModelTensors.ShapeOf(config, slot.Kind).Rows)));
    }

    /// <summary>Refuses a weight that is not this shard's, rows that it does not have and a destination of another length.</summary>
    public void Check(TensorSlot slot, long rowStart, long rowCount, int destinationLength, ElementType destinationType)
    {
        if (!_accounts.TryGetValue(slot, out var account))
        {
            throw new CheckpointException($"{slot} is not a weight of this shard");
        }

        if (rowStart < 0 || rowCount < 0 || rowCount > account.RowCount - rowStart)
        {
            throw new ArgumentOutOfRangeException(
                nameof(rowStart), $"rows {rowStart} to {rowStart + rowCount} of {slot} were asked for; it has {account.RowCount}");
        }

        var needed = rowCount * ModelTensors.ShapeOf(_config, slot.Kind).Columns * destinationType.ByteSize();
        if (needed != destinationLength)
        {
            throw new ArgumentException(
                $"{rowCount} rows of {slot} take {needed} bytes as {destinationType}; the destination has {destinationLength}");
        }
    }

    /// <summary>Takes note of rows; true when these were the last ones of their weight.</summary>
    public bool MarkRead(TensorSlot slot, long rowStart, long rowCount) =>
        _accounts[slot].MarkRead((int)rowStart, (int)rowCount);

    /// <summary>Throws unless every row was read.</summary>
    public void Close(Func<TensorSlot, string> describe)
    {
        var unread = _accounts.Where(entry => entry.Value.UnreadCount > 0).ToList();
        if (unread.Count > 0)
        {
            var (slot, account) = unread[0];
            throw new CheckpointException(
                $"{unread.Count} of {_accounts.Count} weights were not read in full; the first is {describe(slot)}: "
                + $"{account.UnreadCount} of {account.RowCount} rows were not read");
        }
    }

    /// <summary>One bit a row, and none any more when all are read.</summary>
    private sealed class Account(int rowCount)
    {
        private readonly Lock _gate = new();
        private BitArray? _read;

        public int RowCount { get; } = rowCount;

        public int UnreadCount { get; private set; } = rowCount;

        public bool MarkRead(int start, int count)
        {
            lock (_gate)
            {
                var wasUnread = UnreadCount > 0;
                _read ??= UnreadCount > 0 ? new BitArray(RowCount) : null;
                for (var row = start; UnreadCount > 0 && row < start + count; row++)
                {
                    UnreadCount -= _read![row] ? 0 : 1;
                    _read[row] = true;
                }

                _read = UnreadCount == 0 ? null : _read;
                return wasUnread && UnreadCount == 0;
            }
        }
    }
}
