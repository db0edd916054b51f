using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>
/// Sending end of the data stream into a stage. One writer at a time. With a ring the steps go through memory, and the call
/// beside it tells either end of the other's.
/// </summary>
public sealed class ForwardCall : IAsyncDisposable
{
    /// <summary>Copied in the caller's own thread; more would keep it from the next step for too long.</summary>
    private const int MostBytesAtOnce = 256 * 1024;

    private readonly AsyncClientStreamingCall<ForwardPiece, ForwardSummary> _call;
    private readonly int _targetStage;
    private readonly RingWriter? _ring;
    private readonly CancellationToken _cancellationToken;
    private volatile bool _isGivenUp;

    private ForwardCall(AsyncClientStreamingCall<ForwardPiece, ForwardSummary> call, int targetStage, RingWriter? ring, CancellationToken cancellationToken)
    {
        _call = call;
        _targetStage = targetStage;
        _ring = ring;
        _cancellationToken = cancellationToken;
    }

    /// <param name="lease">Number of the target's lease.</param>
    /// <param name="createRing">Makes the call's ring; null sends everything over the network.</param>
    public static Task<ForwardCall> OpenAsync(CallInvoker invoker, int targetStage, long lease, Func<RingWriter>? createRing, CancellationToken cancellationToken) =>
        OpenAsync(invoker, targetStage, lease, createRing, default, cancellationToken);

    /// <param name="createRing">Makes the call's ring; null sends everything over the network.</param>
    /// <param name="deviceSlots">Where hidden states may lie on this stage's device; empty when they come through the ring.</param>
    public static async Task<ForwardCall> OpenAsync(
        CallInvoker invoker, int targetStage, long lease, Func<RingWriter>? createRing, ReadOnlyMemory<byte> deviceSlots, CancellationToken cancellationToken)
    {
        var ring = Create(createRing, targetStage);
        var headers = LeaseHeaders.Of(lease);
        if (ring is not null)
        {
            RingHeaders.Offer(headers, ring.Address, deviceSlots);
        }

        var call = new ForwardCall(
            invoker.AsyncClientStreamingCall(StageDataMethods.Forward, null, new CallOptions(headers, cancellationToken: cancellationToken)), targetStage, ring, cancellationToken);
        try
        {
            if (ring is not null)
            {
                await call.ReadAnswerAsync().ConfigureAwait(false);
            }

            return call;
        }
        catch (Exception exception)
        {
            await call.DisposeAsync().ConfigureAwait(false);
            throw exception is RpcException rpc && !cancellationToken.IsCancellationRequested ? StageErrorCodec.FromRpc(rpc, targetStage) : exception;
        }
    }

    /// <summary>The target reads hidden states out of this stage's device memory.</summary>
    public bool TakesDeviceSlots { get; private set; }

    /// <summary>Ends when the target ends the stream; fails with the target's typed failure.</summary>
    public async Task WaitForEndAsync()
    {
        try
        {
            await _call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException exception)
        {
            throw StageErrorCodec.FromRpc(exception, _targetStage);
        }
    }

    /// <summary>
    /// Tells of a call that breaks while nothing is being sent: a sender that waits for results would never learn of it. Silent
    /// when the sender itself ends the call.
    /// </summary>
    public async Task WatchAsync(Action<StageException> onBroken)
    {
        try
        {
            await WaitForEndAsync().ConfigureAwait(false);
        }
        catch (StageException exception)
        {
            if (!_isGivenUp && !_cancellationToken.IsCancellationRequested)
            {
                onBroken(exception);
            }
        }
    }

    /// <summary>Sends one step. The hidden states stay the caller's.</summary>
    public async ValueTask SendAsync(Microbatch microbatch, HiddenStates? hidden, CancellationToken cancellationToken)
    {
        if (_ring is { } ring)
        {
            if (hidden is { DeviceSlot: null, ByteCount: > MostBytesAtOnce } || !ring.TryWrite(microbatch, hidden))
            {
                await Task.Run(() => ring.Write(microbatch, hidden, cancellationToken), cancellationToken).ConfigureAwait(false);
            }

            return;
        }

        try
        {
            var data = hidden?.Bytes ?? default;
            var header = MicrobatchCodec.ToWire(microbatch);
            var tensor = hidden is null ? null : new TensorHeader { ElementType = ElementTypeCodec.ToWire(hidden.ElementType), Rows = hidden.Rows, Width = hidden.Width };
            var length = Math.Min(data.Length, FrameLimits.PieceBytes);
            await WriteAsync(new ForwardPiece { Microbatch = header, Hidden = tensor, Data = data[..length] }, cancellationToken).ConfigureAwait(false);
            for (var offset = length; offset < data.Length; offset += length)
            {
                length = Math.Min(data.Length - offset, FrameLimits.PieceBytes);
                await WriteAsync(new ForwardPiece { Offset = offset, Data = data.Slice(offset, length) }, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (IsEndOfCall(exception) && !cancellationToken.IsCancellationRequested)
        {
            // The write only says that the call is over; the call's own status says why.
            await WaitForEndAsync().ConfigureAwait(false);
            throw new StageException(StageError.StageLost, "the stage ended the stream", _targetStage, exception);
        }
    }

    /// <summary>Tells the target that no more steps come and waits until it has taken all.</summary>
    public async Task CompleteAsync()
    {
        await _call.RequestStream.CompleteAsync().ConfigureAwait(false);
        await WaitForEndAsync().ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _isGivenUp = true;
        _call.Dispose();
        _ring?.Dispose();
        return ValueTask.CompletedTask;
    }

    private static RingWriter? Create(Func<RingWriter>? createRing, int targetStage)
    {
        try
        {
            return createRing?.Invoke();
        }
        catch (IOException exception)
        {
            throw new StageException(StageError.Unreachable, $"no shared memory with stage {targetStage}: {exception.Message}", targetStage, exception);
        }
    }

    private async Task ReadAnswerAsync()
    {
        var answer = await _call.ResponseHeadersAsync.ConfigureAwait(false);
        if (!RingHeaders.IsAccepted(answer))
        {
            // Says why, if the stage has said it.
            await WaitForEndAsync().ConfigureAwait(false);
            throw new StageException(StageError.Malformed, "the stage does not answer the offer of shared memory", _targetStage);
        }

        TakesDeviceSlots = RingHeaders.IsAcceptedWithDevice(answer);
    }

    private static bool IsEndOfCall(Exception exception) => exception is RpcException or InvalidOperationException or IOException or OperationCanceledException;

    private Task WriteAsync(ForwardPiece piece, CancellationToken cancellationToken) => _call.RequestStream.WriteAsync(piece, cancellationToken);
}
