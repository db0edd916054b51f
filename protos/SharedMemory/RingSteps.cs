using System.Runtime.CompilerServices;
using Grpc.Core;
using Pipeline.Protos.Framing;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.SharedMemory;

/// <summary>
/// The steps of a Forward call whose sender writes into a ring. The call itself stays open beside it: it tells of the end, and
/// breaks when the sender dies.
/// </summary>
public static class RingSteps
{
    /// <summary>Ring and inbox stay the caller's, and must outlive the reading; the inbox all steps.</summary>
    public static async IAsyncEnumerable<StageInput> ReadAsync(
        RingReader ring, IDeviceInbox? inbox, IAsyncStreamReader<ForwardPiece> call, FrameLimits limits, TimeSpan alertness, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var steps = ring.Start(limits, inbox, alertness);
        var watching = WatchAsync(ring, call, stop.Token);
        try
        {
            await foreach (var step in steps.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return step;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
            ring.Complete(new OperationCanceledException());
            await ring.FinishAsync().ConfigureAwait(false);
        }
    }

    private static async Task WatchAsync(RingReader ring, IAsyncStreamReader<ForwardPiece> call, CancellationToken cancellationToken)
    {
        try
        {
            if (await call.MoveNext(cancellationToken).ConfigureAwait(false))
            {
                call.Current.Owner?.Dispose();
                throw new StageException(StageError.Malformed, "a frame in the call although the steps come through shared memory");
            }

            ring.Complete();
        }
        catch (Exception exception)
        {
            ring.Complete(exception);
        }
    }
}
