using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Grpc.Net.Client;
using Pipeline.Protos.Security;
using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>
/// A row of running stages as one stage: inputs go to the first, results come straight from the last, and the failure of any
/// of them ends the stream with its name. Its handlers must be attached to every stage before the first input.
/// </summary>
public sealed class GrpcPipeline : IStage, IAsyncDisposable
{
    // More than any schedule has in the pipe; keeps a consumer that stands still from filling memory with results.
    private const int MaxInFlight = 128;

    // Stages tell of a broken neighbour before the neighbour's own word arrives; the more exact message is worth a moment.
    private static readonly TimeSpan FailureSettleTime = TimeSpan.FromMilliseconds(100);

    private readonly GrpcChannel _data;
    private readonly Channel<MicrobatchResult> _results = Channel.CreateUnbounded<MicrobatchResult>(
        new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    private readonly Action<IReadOnlyList<StepReport>> _onReports;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _failureLock = new();
    private readonly TaskCompletionSource<StageException> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StageException? _failure;
    private ResultReader? _resultRing;
    private volatile bool _isRing;
    private long _lease;

    /// <param name="certificates">Asked at every handshake; null speaks clear text.</param>
    public GrpcPipeline(string firstStageAddress, Func<PeerCertificates>? certificates, Action<IReadOnlyList<StepReport>> onReports, TimeProvider timeProvider)
    {
        _data = StageChannels.Open(firstStageAddress, 0, certificates);
        _onReports = onReports;
        _timeProvider = timeProvider;
    }

    /// <summary>To be attached to every stage of the pipeline.</summary>
    public StageEventHandlers Handlers => new(TakeResult, TakeReports, Fail);

    /// <summary>Watches over the steps; null waits for every step as long as it takes.</summary>
    public StepDeadline? Deadline { get; init; }

    /// <summary>The first failure of any stage, once there was one.</summary>
    public StageException? Failure => Volatile.Read(ref _failure);

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var call = await OpenAsync(stop.Token).ConfigureAwait(false);
        await using var disposal = call.ConfigureAwait(false);
        var inFlight = Channel.CreateBounded<Microbatch>(new BoundedChannelOptions(MaxInFlight) { SingleReader = true });
        _ = EndAtFailureAsync(inFlight.Writer);
        using var watch = Deadline?.Watch(Fail);
        var sending = SendAllAsync(call, inputs, inFlight.Writer, stop.Token);
        _ = call.WatchAsync(Fail);
        try
        {
            await foreach (var microbatch in inFlight.Reader.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                var result = await NextResultAsync(microbatch, stop.Token).ConfigureAwait(false);
                yield return new StageOutput(microbatch, null, result, default);
            }

            // A stage may fail while nothing is in flight and the inputs are silent.
            if (Failure is null)
            {
                await sending.ConfigureAwait(false);
            }

            if (Failure is not null)
            {
                throw await _settled.Task.ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Sends the coming steps under this lease on the first stage.</summary>
    public void UseLease(long lease) => Volatile.Write(ref _lease, lease);

    /// <summary>Sends the coming steps through memory that the first stage sees too.</summary>
    public void UseSharedMemory() => _isRing = true;

    /// <summary>Takes the results of the coming epoch from a ring that the last stage has opened; null takes them as events.</summary>
    /// <param name="alertness">How long to look out for a result before sleeping.</param>
    public async Task ReadResultsAsync(ResultReader? ring, TimeSpan alertness)
    {
        if (Interlocked.Exchange(ref _resultRing, ring) is { } before)
        {
            await before.DisposeAsync().ConfigureAwait(false);
        }

        ring?.Start(Deliver, Fail, alertness);
    }

    public async ValueTask DisposeAsync()
    {
        await ReadResultsAsync(null, TimeSpan.Zero).ConfigureAwait(false);
        _data.Dispose();
    }

    private void TakeResult(MicrobatchResult result)
    {
        if (Volatile.Read(ref _resultRing) is { } ring)
        {
            ring.AddElsewhere(result);
        }
        else
        {
            Deliver(result);
        }
    }

    private void Deliver(MicrobatchResult result)
    {
        Deadline?.Answered(result.Step);
        _results.Writer.TryWrite(result);
    }

    private void TakeReports(IReadOnlyList<StepReport> reports)
    {
        Deadline?.Take(reports);
        _onReports(reports);
    }

    private async Task<ForwardCall> OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ForwardCall.OpenAsync(_data.CreateCallInvoker(), 0, Volatile.Read(ref _lease), _isRing ? RingWriter.CreateForTokens : null, cancellationToken).ConfigureAwait(false);
        }
        catch (StageException exception)
        {
            // A later stage may have failed first, and its own word says more.
            Fail(exception);
            throw await _settled.Task.ConfigureAwait(false);
        }
    }

    private async Task SendAllAsync(ForwardCall call, IAsyncEnumerable<StageInput> inputs, ChannelWriter<Microbatch> inFlight, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var input in inputs.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                using (input)
                {
                    // Announced before it is sent: its result may be back before SendAsync returns.
                    Deadline?.Sent(input.Microbatch.Step);
                    await inFlight.WriteAsync(input.Microbatch, cancellationToken).ConfigureAwait(false);
                    await call.SendAsync(input.Microbatch, input.Hidden, cancellationToken).ConfigureAwait(false);
                }
            }

            inFlight.TryComplete();
            await call.CompleteAsync().ConfigureAwait(false);
        }
        catch (StageException exception)
        {
            Fail(exception);
            inFlight.TryComplete();
        }
        catch (Exception exception)
        {
            inFlight.TryComplete(exception);
            throw;
        }
    }

    private async ValueTask<MicrobatchResult> NextResultAsync(Microbatch microbatch, CancellationToken cancellationToken)
    {
        if (!await _results.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) || !_results.Reader.TryRead(out var result))
        {
            throw await _settled.Task.ConfigureAwait(false);
        }

        return result.Step == microbatch.Step && result.Epoch == microbatch.Epoch
            ? result
            : throw new StageException(StageError.OutOfOrder, $"expected the result of step {microbatch.Step} of {microbatch.Epoch}, got step {result.Step} of {result.Epoch}");
    }

    private async Task EndAtFailureAsync(ChannelWriter<Microbatch> inFlight)
    {
        await _settled.Task.ConfigureAwait(false);
        inFlight.TryComplete();
    }

    private void Fail(StageException exception)
    {
        lock (_failureLock)
        {
            // "The connection is gone" is the least telling of failures: anything typed replaces it while the dust settles.
            var isFirst = _failure is null;
            if (isFirst || (_failure!.Error == StageError.StageLost && exception.Error != StageError.StageLost))
            {
                _failure = exception;
            }

            if (isFirst)
            {
                _ = CompleteAfterSettlingAsync();
            }
        }
    }

    private async Task CompleteAfterSettlingAsync()
    {
        await Task.Delay(FailureSettleTime, _timeProvider).ConfigureAwait(false);
        _settled.TrySetResult(Failure!);
        _results.Writer.TryComplete();
    }
}
