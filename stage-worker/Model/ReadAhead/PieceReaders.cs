using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Pipeline.Model.Checkpoints;

namespace Pipeline.Model.ReadAhead;

/// <summary>
/// Threads that read pieces of weights in the order in which they were asked for, several at once: storage answers faster to many
/// questions than to one, and what was read travels on while the next is being read. Whoever loads says where each weight goes
/// and waits once, at the end. The first failure stops all.
/// </summary>
public sealed class PieceReaders : IDisposable
{
    private readonly IStoredWeights _source;
    private readonly Func<IPieceTarget> _open;
    private readonly int _pieceBytes;
    private readonly BlockingCollection<(StoredPiece Piece, nint Weight)> _queue = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread[] _threads;
    private ExceptionDispatchInfo? _failure;

    /// <param name="readers">Reads at the same time.</param>
    /// <param name="pieceBytes">Most bytes of a piece, unless a single row is longer.</param>
    /// <param name="open">Called on each reader's thread.</param>
    public PieceReaders(IStoredWeights source, int readers, int pieceBytes, Func<IPieceTarget> open)
    {
        (_source, _pieceBytes, _open) = (source, pieceBytes, open);
        _threads = [.. Enumerable.Range(0, readers).Select(i => new Thread(Work) { IsBackground = true, Name = $"weights {i}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>Queues a weight.</summary>
    /// <param name="weight">Where it lies, handed on to the target; must stay there until all is complete.</param>
    public void Add(Shared.Models.TensorSlot slot, nint weight)
    {
        foreach (var piece in _source.Cut(slot, _pieceBytes))
        {
            _queue.Add((piece, weight));
        }
    }

    /// <summary>Waits until every piece is in its place; throws what went wrong with the first that is not.</summary>
    public void Complete(CancellationToken cancellationToken)
    {
        _queue.CompleteAdding();
        using (cancellationToken.Register(_stop.Cancel))
        {
            Join();
        }

        _failure?.Throw();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Stops after the pieces that are being read.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        Join();
        _queue.Dispose();
        _stop.Dispose();
    }

    private void Join() => Array.ForEach(_threads, thread => thread.Join());

    private void Work()
    {
        try
        {
            using var target = _open();
            foreach (var (piece, weight) in _queue.GetConsumingEnumerable(_stop.Token))
            {
                _source.Read(piece, target.Rent(piece.Length));
                target.Place(piece, weight);
            }

            target.Finish();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Somebody else failed, or nobody waits any more.
        }
        catch (Exception exception)
        {
            // Of any kind: it is thrown again where the load is waited for.
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            _stop.Cancel();
        }
    }
}
