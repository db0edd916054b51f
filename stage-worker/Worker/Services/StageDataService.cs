using Grpc.Core;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Diagnostics;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Services;

/// <summary>The data plane's door: pieces in, steps to the session.</summary>
public sealed class StageDataService(StageLease lease, IHostApplicationLifetime lifetime, ILogger<StageDataService> logger) : StageDataServiceBase
{
    public override async Task<ForwardSummary> Forward(IAsyncStreamReader<ForwardPiece> requestStream, ServerCallContext context)
    {
        try
        {
            var session = lease.Require(LeaseHeaders.In(context.RequestHeaders));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, session.End, lifetime.ApplicationStopping);
            await using var incoming = await OpenAsync(session, requestStream, context, stop.Token);
            return new ForwardSummary { Steps = await session.ForwardAsync(incoming.Steps, stop.Token) };
        }
        catch (StageException exception)
        {
            Log.StageFailed(logger, exception.Error.ToString(), exception.Message);
            throw StageErrorCodec.ToRpc(exception);
        }
        catch (OperationCanceledException)
        {
            throw StageErrorCodec.ToRpc(new StageException(StageError.NotReady, "the stage is stopping"));
        }
    }

    /// <summary>Steps come in the call's own frames, unless its sender offers a ring.</summary>
    private static async Task<IncomingSteps> OpenAsync(
        StageSession session, IAsyncStreamReader<ForwardPiece> frames, ServerCallContext context, CancellationToken cancellationToken)
    {
        var limits = session.RequireLimits();
        if (RingHeaders.OfferIn(context.RequestHeaders) is not { } address)
        {
            return new IncomingSteps(session, FrameAssembler.ReadAsync(frames, limits, cancellationToken));
        }

        var ring = OpenRing(address);
        IDeviceInbox? inbox = null;
        try
        {
            inbox = await TryOpenInboxAsync(session, RingHeaders.DeviceOfferIn(context.RequestHeaders));
            await context.WriteResponseHeadersAsync(RingHeaders.Acceptance(withDevice: inbox is not null));
            return new IncomingSteps(session, RingSteps.ReadAsync(ring, inbox, frames, limits, session.Thread.Alertness, cancellationToken), ring, inbox);
        }
        catch
        {
            await new IncomingSteps(session, AsyncEnumerable.Empty<StageInput>(), ring, inbox).DisposeAsync();
            throw;
        }
    }

    /// <summary>Null when there is none, or it cannot be read from here: hidden states come through the ring then.</summary>
    private static async Task<IDeviceInbox?> TryOpenInboxAsync(StageSession session, byte[]? address)
    {
        try
        {
            return address is null ? null : await session.OpenInboxAsync(address);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static RingReader OpenRing(string address)
    {
        try
        {
            return RingReader.Open(address);
        }
        catch (IOException exception)
        {
            throw new StageException(StageError.Unreachable, $"no shared memory with the sender: {exception.Message}", null, exception);
        }
    }
}
