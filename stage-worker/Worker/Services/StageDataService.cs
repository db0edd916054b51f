using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.V1;
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
            var session = lease.Require();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, session.End, lifetime.ApplicationStopping);
            var inputs = FrameAssembler.ReadAsync(requestStream, session.RequireLimits(), stop.Token);
            return new ForwardSummary { Steps = await session.ForwardAsync(inputs, stop.Token) };
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
}
