using Grpc.Core;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Diagnostics;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Hosting;
using Pipeline.StageWorker.Loading;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Services;

/// <summary>The control plane's door: it translates and delegates, it decides nothing.</summary>
public sealed class StageControlService(
    StageLease lease, StageClock clock, TimeProvider timeProvider, WorkerDevice device, ShardLoader loader, IHostApplicationLifetime lifetime, ILogger<StageControlService> logger) : StageControlServiceBase
{
    public override Task<HelloReply> Hello(HelloRequest request, ServerCallContext context) => Task.FromResult(new HelloReply
    {
        ProtocolVersion = ProtocolVersion.Current,
        ProgramVersion = ProgramVersion.Text,
        Device = device.Name,
        DeviceName = device.Description,
        MemoryTotal = device.MemoryTotal,
        MemoryFree = device.MemoryFree,
        ProcessorCount = Environment.ProcessorCount,
        ClockNanoseconds = clock.Now,
        ProcessId = Environment.ProcessId,
        InUse = lease.Current is not null,
        ConcurrentProcesses = device.HasConcurrentProcesses,
    });

    public override Task Attach(AttachRequest request, IServerStreamWriter<StageEvent> responseStream, ServerCallContext context) => GuardAsync(async () =>
    {
        if (request.ProtocolVersion != ProtocolVersion.Current)
        {
            throw new StageException(StageError.ProtocolMismatch, $"the coordinator speaks protocol version {request.ProtocolVersion}, this worker speaks {ProtocolVersion.Current}");
        }

        var session = lease.Take(request.Coordinator, request.StageIndex, request.StageCount);
        Log.LeaseTaken(logger, request.Coordinator, request.StageIndex, request.StageCount);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var events = new PatientWriter<StageEvent>(responseStream, timeProvider, stop.Token);
        try
        {
            session.Events.Attached(session.Lease);
            await foreach (var stageEvent in session.Events.Reader.ReadAllAsync(stop.Token))
            {
                await events.WriteAsync(stageEvent);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException or IOException)
        {
            // The coordinator left, or this process is stopping: either way the lease is over.
        }
        finally
        {
            await lease.EndAsync(session);
            Log.LeaseEnded(logger);
        }

        return true;
    });

    public override Task Load(LoadRequest request, IServerStreamWriter<LoadEvent> responseStream, ServerCallContext context) => GuardAsync(async () =>
    {
        var session = lease.Require(LeaseHeaders.In(context.RequestHeaders));
        using var stop = StopOf(session, context);
        using var events = new PatientWriter<LoadEvent>(responseStream, timeProvider, stop.Token);
        var reply = await session.ControlAsync(() => loader.LoadAsync(session, request, progress => events.WriteAsync(new LoadEvent { Progress = progress }), stop.Token));
        await events.WriteAsync(new LoadEvent { Done = reply });
        return true;
    });

    public override Task<StartReply> Start(StartRequest request, ServerCallContext context) => GuardAsync(async () =>
    {
        var session = lease.Require(LeaseHeaders.In(context.RequestHeaders));
        using var stop = StopOf(session, context);
        return await session.ControlAsync(() => StageStarter.StartAsync(session, request, timeProvider, stop.Token));
    });

    public override Task<ProbeRingReply> ProbeRing(ProbeRingRequest request, ServerCallContext context) => GuardAsync(async () => new ProbeRingReply
    {
        Refusal = RingReader.Probe(request.Address),
        DeviceRefusal = request.DeviceSlots.IsEmpty ? "" : lease.Current is { } session ? await session.ProbeInboxAsync(request.DeviceSlots.ToByteArray()) : "nothing is loaded there",
    });

    public override Task ExportSequence(ExportSequenceRequest request, IServerStreamWriter<SequencePiece> responseStream, ServerCallContext context) => GuardAsync(async () =>
    {
        var session = lease.Require(LeaseHeaders.In(context.RequestHeaders));
        using var stop = StopOf(session, context);
        using var pieces = new PatientWriter<SequencePiece>(responseStream, timeProvider, stop.Token);
        await SequenceTransferService.ExportAsync(session, request, pieces);
        return true;
    });

    public override Task<ImportSequenceReply> ImportSequence(IAsyncStreamReader<SequencePiece> requestStream, ServerCallContext context) => GuardAsync(async () =>
    {
        var session = lease.Require(LeaseHeaders.In(context.RequestHeaders));
        using var stop = StopOf(session, context);
        return await SequenceTransferService.ImportAsync(session, requestStream, stop.Token);
    });

    /// <summary>Whoever goes first ends the call: its caller, the lease that it works under, this process. The lease's end waits for it.</summary>
    private CancellationTokenSource StopOf(StageSession session, ServerCallContext context) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, session.End, lifetime.ApplicationStopping);

    private async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (StageException exception)
        {
            Log.StageFailed(logger, exception.Error.ToString(), exception.Message);
            throw StageErrorCodec.ToRpc(exception);
        }
        catch (OperationCanceledException)
        {
            throw StageErrorCodec.ToRpc(new StageException(StageError.NotReady, "the lease has ended or the stage is stopping"));
        }
    }
}
