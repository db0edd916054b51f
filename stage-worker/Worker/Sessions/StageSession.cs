using System.Runtime.InteropServices;
using Grpc.Net.Client;
using Pipeline.Model;
using Pipeline.Model.Caching;
using Pipeline.Model.DeviceHops;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Security;
using StepReport = Pipeline.Shared.Stages.StepReport;

namespace Pipeline.StageWorker.Sessions;

/// <summary>
/// One coordinator's use of this worker, from lease to lease end: the shard, its cache, the sequences, the way to the next
/// stage. Disposing it gives everything back.
/// </summary>
public sealed class StageSession : IAsyncDisposable
{
    private readonly StageClock _clock;
    private readonly DeviceHealth _health;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _forwardTurn = new(1, 1);
    private readonly SemaphoreSlim _controlTurn = new(1, 1);
    private readonly Timer _reportTimer;
    private readonly Lazy<Task> _ending;
    private CancellationTokenSource _stream = new();
    private ModelShard? _shard;
    private SequenceTable? _sequences;
    private FrameLimits? _limits;
    private GrpcChannel? _nextChannel;
    private HopTransport _nextTransport;
    private DeviceOutbox? _outbox;
    private long _nextLease;

    public StageSession(long lease, string coordinator, int stageIndex, int stageCount, StageClock clock, DeviceHealth health, PeerSecurity security)
    {
        Lease = lease;
        Coordinator = coordinator;
        StageIndex = stageIndex;
        StageCount = stageCount;
        _clock = clock;
        _health = health;
        Security = security;
        _ending = new Lazy<Task>(FreeAsync);
        _reportTimer = new Timer(_ => Events.FlushReports(), null, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50));
    }

    /// <summary>Its number, which fences off the holders of earlier ones.</summary>
    public long Lease { get; }

    public string Coordinator { get; }

    public int StageIndex { get; }

    public int StageCount { get; }

    /// <summary>How the next stage is met.</summary>
    public PeerSecurity Security { get; }

    public StageEvents Events { get; } = new();

    public ComputeThread Thread { get; } = new("compute");

    /// <summary>Set when the lease is over; running work stops at the next step.</summary>
    public CancellationToken End => _end.Token;

    public bool IsStarted => _limits is not null;

    /// <summary>A load or start is under way.</summary>
    public bool IsChanging => _controlTurn.CurrentCount == 0;

    public ModelShard? Shard => _shard;

    /// <summary>Also as long as nothing is loaded.</summary>
    public bool IsOnCpu => _shard is not { } shard || shard.Kernels.Device.type == TorchSharp.DeviceType.CPU;

    /// <summary>The loaded shard; a coordinator that asks for more too early is told so.</summary>
    public ModelShard RequireShard() => _shard ?? throw NotReady("no shard is loaded yet");

    public SequenceTable RequireSequences() => _sequences ?? throw NotReady("the stage is not started yet");

    /// <summary>
    /// Runs a load or start; the two never overlap. A stream of steps that is still open belongs to the time before and is ended:
    /// it must not go on writing into the cache of what comes now.
    /// </summary>
    public async Task<T> ControlAsync<T>(Func<Task<T>> action)
    {
        await _controlTurn.WaitAsync(End);
        try
        {
            await _stream.CancelAsync();
            await _forwardTurn.WaitAsync(End);
            try
            {
                _stream.Dispose();
                _stream = new CancellationTokenSource();
                return await action();
            }
            catch (StageException exception)
            {
                _health.Observe(exception);
                throw;
            }
            finally
            {
                _forwardTurn.Release();
            }
        }
        finally
        {
            _controlTurn.Release();
        }
    }

    /// <summary>Takes a loaded shard in the place of the one before. On the compute thread, like all that exchanges shard or cache.</summary>
    public void Adopt(ModelShard shard)
    {
        Close();
        _shard?.Dispose();
        _shard = shard;
    }

    /// <summary>Ends the epoch: its cache is about to go. On the compute thread.</summary>
    public void Close()
    {
        _sequences = null;
        _limits = null;
        _shard?.Kernels.SendTo(null);
        _outbox?.Dispose();
        _outbox = null;
    }

    /// <summary>
    /// Runs a part of a transfer on the compute thread. A transfer waits for its peer in between: a load, a start or the end of
    /// the lease may have taken the cache away by then, and that must not be read or written any more.
    /// </summary>
    public Task<T> RunInEpochAsync<T>(SequenceTable sequences, Func<T> work) =>
        Thread.RunAsync(() => sequences == _sequences ? work() : throw NotReady("the epoch ended during the transfer"));

    /// <summary>Opens an epoch on an allotted cache; sequences of an earlier epoch are gone.</summary>
    public void Open(SequenceTable sequences, int maxBatchTokens, StageExit exit)
    {
        var shard = RequireShard();
        _nextChannel?.Dispose();
        _nextChannel = exit.NextAddress.Length > 0 ? StageChannels.Open(exit.NextAddress, StageIndex + 1, Security.Certificates) : null;
        (_nextTransport, _nextLease, _outbox) = (exit.Hop.Transport, exit.NextLease, exit.Outbox);
        Events.SendResultsTo(exit.Results);
        Events.BeginEpoch(sequences.Epoch.Value);
        _sequences = sequences;
        _limits = new FrameLimits(!shard.Assignment.IsFirst, maxBatchTokens, shard.Config.HiddenSize, shard.Kernels.ElementType);
    }

    /// <summary>Opens device memory of the stage before. Throws <see cref="IOException"/> where it cannot be read from here.</summary>
    public Task<IDeviceInbox> OpenInboxAsync(byte[] address) => Thread.RunAsync(() => RequireShard().Kernels.OpenInbox(address));

    /// <summary>Why device memory of the stage before cannot be read from here; empty when it can.</summary>
    public async Task<string> ProbeInboxAsync(byte[] address)
    {
        try
        {
            return await Thread.RunAsync(() =>
            {
                using var inbox = RequireShard().Kernels.OpenInbox(address);
                return "";
            });
        }
        catch (Exception exception) when (exception is IOException or StageException)
        {
            return exception.Message;
        }
    }

    public FrameLimits RequireLimits() => _limits ?? throw NotReady("the stage is not started yet");

    /// <summary>Takes one stream of steps to its end. A second stream has to wait until the first is over: it is refused.</summary>
    public async Task<long> ForwardAsync(IAsyncEnumerable<StageInput> inputs, CancellationToken cancellationToken)
    {
        if (!await _forwardTurn.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            throw new StageException(StageError.AlreadyInUse, "another stream of steps is open on this stage", StageIndex);
        }

        var epoch = _sequences?.Epoch.Value ?? 0;
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stream.Token);
            return await ForwardInTurnAsync(inputs, stop.Token);
        }
        catch (StageException exception)
        {
            _health.Observe(exception);
            Events.Fail(exception, StageIndex, epoch);
            throw exception.At(StageIndex);
        }
        finally
        {
            _forwardTurn.Release();
        }
    }

    /// <summary>The end of a lease and the end of the process may both ask for this at the same time; it happens once.</summary>
    public ValueTask DisposeAsync() => new(_ending.Value);

    private async Task FreeAsync()
    {
        await _end.CancelAsync();
        await _reportTimer.DisposeAsync();
        Events.Complete();

        // Both turns taken: nothing runs any more, nothing new can begin.
        await _forwardTurn.WaitAsync();
        await _controlTurn.WaitAsync();
        await Thread.RunAsync(() =>
        {
            FreeShard();
            Events.SendResultsTo(null);
            return true;
        });
        Thread.Dispose();
        _nextChannel?.Dispose();
    }

    /// <summary>A lost device takes nothing back, and may say so only now; the lease has to end all the same.</summary>
    private void FreeShard()
    {
        try
        {
            Close();
            _shard?.Dispose();
        }
        catch (Exception exception) when (exception is ExternalException or InvalidOperationException)
        {
            _health.Observe(new StageException(StageError.DeviceLost, $"what the last coordinator had loaded cannot be freed: {ComputeFailures.Describe(exception)}", StageIndex, exception));
        }
    }

    private async Task<long> ForwardInTurnAsync(IAsyncEnumerable<StageInput> inputs, CancellationToken cancellationToken)
    {
        var (shard, sequences) = (RequireShard(), RequireSequences());
        var stage = new ShardStage(StageIndex, input => shard.Begin(sequences.Admit(input.Microbatch), input.Hidden), Thread, _clock, shard.Kernels.Turn);
        if (_nextChannel is not { } channel)
        {
            return await PassAllOnAsync(stage.ForwardAsync(inputs, cancellationToken), null, cancellationToken);
        }

        var limits = RequireLimits();
        Func<RingWriter>? createRing = _nextTransport == HopTransport.Grpc ? null : () => RingWriter.Create(limits.MaxRows, limits.Width, limits.ElementType);
        await using var next = await ForwardCall.OpenAsync(channel.CreateCallInvoker(), StageIndex + 1, _nextLease, createRing, _outbox?.Address ?? default, cancellationToken);
        await Thread.RunAsync(() =>
        {
            shard.Kernels.SendTo(next.TakesDeviceSlots ? _outbox : null);
            return true;
        });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = WatchAsync(next, stop);
        try
        {
            var steps = await PassAllOnAsync(stage.ForwardAsync(inputs, stop.Token), next, stop.Token);
            await next.CompleteAsync();
            return steps;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await watching;
            throw;
        }
    }

    /// <summary>The next stage may end the stream while this one waits for input: then the waiting is over, with the next one's reason.</summary>
    private static async Task WatchAsync(ForwardCall next, CancellationTokenSource stop)
    {
        try
        {
            await next.WaitForEndAsync();
        }
        catch (StageException)
        {
            await stop.CancelAsync();
            throw;
        }
    }

    private async Task<long> PassAllOnAsync(IAsyncEnumerable<StageOutput> outputs, ForwardCall? next, CancellationToken cancellationToken)
    {
        var steps = 0L;
        await foreach (var output in outputs)
        {
            using (output)
            {
                await PassOnAsync(output, next, cancellationToken);
            }

            steps++;
        }

        return steps;
    }

    private async ValueTask PassOnAsync(StageOutput output, ForwardCall? next, CancellationToken cancellationToken)
    {
        var microbatch = output.Microbatch;
        if (next is not null)
        {
            await next.SendAsync(microbatch, output.Hidden, cancellationToken);
        }
        else
        {
            Events.Publish(output.Result!, cancellationToken);
        }

        var times = output.Ending is { } ending ? await ending : output.Times;
        Events.Report(new StepReport(
            StageIndex, microbatch.Step, microbatch.Id, microbatch.TokenCount, microbatch.Slices.Count, times.Received, times.Started, times.Finished, _clock.Now));
    }

    private StageException NotReady(string message) => new(StageError.NotReady, message, StageIndex);
}
