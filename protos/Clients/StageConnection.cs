using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Security;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>
/// The coordinator's end of one stage: control calls, and the lease whose stream carries everything the stage tells. Disposing
/// it ends the lease, upon which the stage frees its shard.
/// </summary>
public sealed class StageConnection : IAsyncDisposable
{
    private static readonly TimeSpan HelloDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly GrpcChannel _control;
    private readonly Func<PeerCertificates>? _certificates;
    private readonly StageControl.StageControlClient _client;
    private readonly CancellationTokenSource _leaseEnd = new();
    private AsyncServerStreamingCall<StageEvent>? _lease;
    private Task _reading = Task.CompletedTask;
    private long _epoch;
    private int _stageCount;

    /// <param name="certificates">Asked at every handshake; null speaks clear text.</param>
    public StageConnection(string address, int stageIndex, Func<PeerCertificates>? certificates)
    {
        Address = address;
        StageIndex = stageIndex;
        _certificates = certificates;
        _control = StageChannels.Open(address, stageIndex, certificates);
        _client = new StageControl.StageControlClient(_control);
    }

    public string Address { get; }

    public int StageIndex { get; }

    /// <summary>There was a lease, and it has ended, for whatever reason: the stage has freed everything, or is gone.</summary>
    public bool IsLeaseOver => _lease is not null && _reading.IsCompleted;

    /// <summary>What the stage still tells of epochs before this one is dropped from here on.</summary>
    public void ExpectEpoch(long epoch) => Volatile.Write(ref _epoch, epoch);

    /// <summary>Number of the lease that was taken; 0 before.</summary>
    public long Lease { get; private set; }

    public async Task<HelloReply> HelloAsync(CancellationToken cancellationToken)
    {
        var reply = await CallAsync(() => _client.HelloAsync(
            new HelloRequest { ProtocolVersion = ProtocolVersion.Current }, Options(HelloDeadline, cancellationToken)).ResponseAsync, cancellationToken).ConfigureAwait(false);
        return reply.ProtocolVersion == ProtocolVersion.Current
            ? reply
            : throw new StageException(
                StageError.ProtocolMismatch, $"{Address} speaks protocol version {reply.ProtocolVersion}, this coordinator speaks {ProtocolVersion.Current}; run the same release on both", StageIndex);
    }

    /// <summary>Takes the lease; from here on the stage's events go to the handlers until the lease ends.</summary>
    public async Task AttachAsync(string coordinator, int stageCount, StageEventHandlers handlers, CancellationToken cancellationToken)
    {
        var request = new AttachRequest { ProtocolVersion = ProtocolVersion.Current, Coordinator = coordinator, StageIndex = StageIndex, StageCount = stageCount };
        var lease = _client.Attach(request, cancellationToken: _leaseEnd.Token);
        try
        {
            var confirmed = await CallAsync(() => lease.ResponseStream.MoveNext(cancellationToken), cancellationToken).ConfigureAwait(false);
            if (!confirmed || lease.ResponseStream.Current.EventCase != StageEvent.EventOneofCase.Attached)
            {
                throw new StageException(StageError.Malformed, $"{Address} did not confirm the lease", StageIndex);
            }
        }
        catch
        {
            lease.Dispose();
            throw;
        }

        _stageCount = stageCount;
        Lease = lease.ResponseStream.Current.Attached.Lease;
        _lease = lease;
        _reading = ReadEventsAsync(lease.ResponseStream, handlers);
    }

    public Task<LoadReply> LoadAsync(LoadRequest request, Action<LoadProgress> onProgress, CancellationToken cancellationToken) => CallAsync(
        async () =>
        {
            using var call = _client.Load(request, UnderLease(cancellationToken));
            while (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
            {
                var current = call.ResponseStream.Current;
                if (current.EventCase == LoadEvent.EventOneofCase.Done)
                {
                    return current.Done;
                }

                onProgress(current.Progress);
            }

            throw new StageException(StageError.LoadFailed, $"{Address} ended loading without a result", StageIndex);
        },
        cancellationToken);

    public Task<StartReply> StartAsync(StartRequest request, CancellationToken cancellationToken) =>
        CallAsync(() => _client.StartAsync(request, Options(StartDeadline, cancellationToken).WithHeaders(LeaseHeaders.Of(Lease))).ResponseAsync, cancellationToken);

    /// <summary>Whether the stage can read a ring of this process: empty, or why it cannot.</summary>
    public Task<ProbeRingReply> ProbeRingAsync(string ringAddress, ReadOnlyMemory<byte> deviceSlots, CancellationToken cancellationToken)
    {
        var request = new ProbeRingRequest { Address = ringAddress, DeviceSlots = ByteString.CopyFrom(deviceSlots.Span) };
        return CallAsync(async () => await _client.ProbeRingAsync(request, Options(HelloDeadline, cancellationToken)).ResponseAsync.ConfigureAwait(false), cancellationToken);
    }

    /// <summary>Streams a sequence's cached state out of the stage.</summary>
    public AsyncServerStreamingCall<SequencePiece> ExportSequence(ExportSequenceRequest request, CancellationToken cancellationToken) =>
        _client.ExportSequence(request, UnderLease(cancellationToken));

    /// <summary>Streams a sequence's cached state into the stage.</summary>
    public AsyncClientStreamingCall<SequencePiece, ImportSequenceReply> ImportSequence(CancellationToken cancellationToken) =>
        _client.ImportSequence(UnderLease(cancellationToken));

    /// <summary>Ends the lease.</summary>
    public async ValueTask DisposeAsync()
    {
        await _leaseEnd.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _lease?.Dispose();
        _control.Dispose();
        _leaseEnd.Dispose();
    }

    private CallOptions UnderLease(CancellationToken cancellationToken) => new(LeaseHeaders.Of(Lease), cancellationToken: cancellationToken);

    private static CallOptions Options(TimeSpan deadline, CancellationToken cancellationToken) =>
        new(deadline: TimeProvider.System.GetUtcNow().UtcDateTime + deadline, cancellationToken: cancellationToken);

    private async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (RpcException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var failure = StageErrorCodec.FromRpc(exception, StageIndex);
            throw _lease is null ? WithoutLease(failure, exception) : failure;
        }
    }

    /// <summary>Before the lease nothing can be lost: the worker is not there, or it is no worker.</summary>
    private StageException WithoutLease(StageException failure, RpcException exception) => failure.Error switch
    {
        StageError.StageLost => new StageException(StageError.Unreachable, $"cannot reach a stage worker at {Address}: {ConnectFailure.Describe(exception, _certificates?.Invoke())}", StageIndex, exception),
        StageError.Timeout => new StageException(StageError.Timeout, $"{Address} takes connections but does not answer as a stage worker does", StageIndex, exception),
        StageError.ProtocolMismatch when exception.StatusCode == StatusCode.Unimplemented => new StageException(StageError.ProtocolMismatch, $"what listens at {Address} is no stage worker", StageIndex, exception),
        _ => failure,
    };

    private async Task ReadEventsAsync(IAsyncStreamReader<StageEvent> events, StageEventHandlers handlers)
    {
        try
        {
            while (await events.MoveNext(_leaseEnd.Token).ConfigureAwait(false))
            {
                Dispatch(events.Current, handlers);
            }

            throw new StageException(StageError.StageLost, $"{Address} ended the lease (the worker is shutting down)", StageIndex);
        }
        catch (Exception) when (_leaseEnd.IsCancellationRequested)
        {
        }
        catch (RpcException exception)
        {
            handlers.OnFailure(StageErrorCodec.FromRpc(exception, StageIndex));
        }
        catch (StageException exception)
        {
            handlers.OnFailure(exception.At(StageIndex));
        }
    }

    /// <summary>0 is no epoch: what has nothing to do with steps is never over.</summary>
    private bool IsOver(long epoch) => epoch > 0 && epoch < Volatile.Read(ref _epoch);

    /// <summary>Who names a stage that there is not means itself.</summary>
    private StageException FailureOf(StageFailure told) =>
        new((StageError)told.Error, told.Message, told.StageIndex >= 0 && told.StageIndex < _stageCount ? told.StageIndex : StageIndex) { Step = told.Step > 0 ? told.Step : null };

    private void Dispatch(StageEvent stageEvent, StageEventHandlers handlers)
    {
        switch (stageEvent.EventCase)
        {
            case StageEvent.EventOneofCase.Result when IsOver(stageEvent.Result.Epoch):
            case StageEvent.EventOneofCase.Reports when IsOver(stageEvent.Reports.Epoch):
            case StageEvent.EventOneofCase.Failure when IsOver(stageEvent.Failure.Epoch):
                break;
            case StageEvent.EventOneofCase.Result when StageIndex != _stageCount - 1:
                throw new StageException(StageError.Malformed, $"{Address} tells a result, which only the last stage has", StageIndex);
            case StageEvent.EventOneofCase.Result:
                handlers.OnResult(ResultCodec.FromWire(stageEvent.Result));
                break;
            case StageEvent.EventOneofCase.Reports:
                handlers.OnReports([.. stageEvent.Reports.Reports.Select(report => ResultCodec.FromWire(report, StageIndex))]);
                break;
            case StageEvent.EventOneofCase.Failure:
                handlers.OnFailure(FailureOf(stageEvent.Failure));
                break;
            default:
                throw new StageException(StageError.Malformed, $"unknown event from {Address}", StageIndex);
        }
    }
}
