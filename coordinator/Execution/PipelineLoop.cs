using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>
/// The flow: asks the scheduler for microbatches, sends them through the pipeline, hands results back, and gives every sequence
/// its news. The scheduler is touched under one lock only; a result leads to the next microbatch without a thread switch.
/// </summary>
public sealed class PipelineLoop : IAsyncDisposable
{
    private readonly Scheduler _scheduler;
    private readonly IStage _pipeline;
    private readonly Lock _lock = new();
    private readonly Dictionary<SequenceId, Channel<SequenceUpdate>> _sequences = [];
    private readonly Dictionary<SequenceId, TaskCompletionSource> _waiting = [];
    private readonly WakeSignal _wake = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private Exception? _failure;
    private bool _completing;

    public PipelineLoop(Scheduler scheduler, IStage pipeline)
    {
        _scheduler = scheduler;
        _pipeline = pipeline;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Raised with every microbatch on its way into the pipe, which waits for whoever listens.</summary>
    public event Action<Microbatch>? Sent;

    /// <summary>Steps completed so far.</summary>
    public long CompletedSteps { get; private set; }

    public SchedulerCounters Counters
    {
        get
        {
            lock (_lock)
            {
                return _scheduler.Counters;
            }
        }
    }

    /// <summary>Why nothing can be submitted any more; null as long as it can.</summary>
    public Exception? Failure
    {
        get
        {
            lock (_lock)
            {
                return _failure;
            }
        }
    }

    /// <summary>Nothing runs, waits or has to be told to the stages; also after a failure.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _failure is not null || !_scheduler.HasWork;
            }
        }
    }

    /// <summary>Puts a sequence into the pipeline. Throws if it can never run, or if the pipeline has failed.</summary>
    public SequenceFeed Submit(SequenceRequest request) => SubmitAll([request])[0];

    /// <summary>
    /// Puts several in at once, all or none: no step is scheduled between them, so what travels together does not depend on timing.
    /// </summary>
    public IReadOnlyList<SequenceFeed> SubmitAll(IReadOnlyList<SequenceRequest> requests)
    {
        var feeds = new List<SequenceFeed>(requests.Count);
        lock (_lock)
        {
            if (_failure is { } failure)
            {
                throw Fresh(failure);
            }

            try
            {
                foreach (var request in requests)
                {
                    feeds.Add(AddNeedsLock(request));
                }
            }
            catch (RequestRejectedException)
            {
                feeds.ForEach(feed => ForgetNeedsLock(feed.Id));
                throw;
            }
        }

        _wake.Set();
        return feeds;
    }

    /// <summary>Ends a sequence at the next step.</summary>
    public void Cancel(SequenceId id)
    {
        lock (_lock)
        {
            // After a failure everybody has been told, and nobody is left to be told again.
            if (_failure is null && _scheduler.Cancel(id) is { } update)
            {
                DeliverNeedsLock([update]);
            }
        }

        _wake.Set();
    }

    /// <summary>Lets running sequences finish, then ends the stream into the pipeline.</summary>
    public async Task CompleteAsync()
    {
        lock (_lock)
        {
            _completing = true;
        }

        _wake.Set();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static Exception Fresh(Exception failure) =>
        failure is StageException stage ? new StageException(stage.Error, stage.Message, stage.StageIndex, stage) : new OperationCanceledException("the pipeline is stopped", failure);

    private async Task RunAsync()
    {
        try
        {
            await foreach (var output in _pipeline.ForwardAsync(MicrobatchesAsync(_stop.Token), _stop.Token))
            {
                IReadOnlyList<SequenceUpdate> updates;
                lock (_lock)
                {
                    updates = _scheduler.Complete(output.Result!);
                    CompletedSteps = output.Microbatch.Step;
                }

                // The stages come first: they compute the next step while everybody is told of this one.
                _wake.Set();
                lock (_lock)
                {
                    DeliverNeedsLock(updates);
                }
            }

            Fail(new OperationCanceledException("the pipeline is stopped"));
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private async IAsyncEnumerable<StageInput> MicrobatchesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            Microbatch? microbatch;
            lock (_lock)
            {
                microbatch = _scheduler.TrySchedule();
                TellStartedNeedsLock(microbatch);
                if (microbatch is null && _completing && !_scheduler.HasWork)
                {
                    yield break;
                }
            }

            if (microbatch is not null)
            {
                Sent?.Invoke(microbatch);
                yield return new StageInput(microbatch, null);
            }
            else
            {
                await _wake.WaitAsync(cancellationToken);
            }
        }
    }

    private SequenceFeed AddNeedsLock(SequenceRequest request)
    {
        var updates = Channel.CreateUnbounded<SequenceUpdate>(new UnboundedChannelOptions { SingleReader = true });
        var id = _scheduler.Add(request);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _sequences.Add(id, updates);
        _waiting.Add(id, started);
        return new SequenceFeed(id, updates.Reader, started.Task);
    }

    private void ForgetNeedsLock(SequenceId id)
    {
        _scheduler.Cancel(id);
        _sequences.Remove(id);
        _waiting.Remove(id);
    }

    /// <summary>A preempted sequence starts again, but it has waited only once.</summary>
    private void TellStartedNeedsLock(Microbatch? microbatch)
    {
        if (microbatch is null || _waiting.Count == 0)
        {
            return;
        }

        foreach (var slice in microbatch.Slices)
        {
            if (_waiting.Remove(slice.Sequence, out var started))
            {
                started.SetResult();
            }
        }
    }

    private void DeliverNeedsLock(IReadOnlyList<SequenceUpdate> updates)
    {
        foreach (var update in updates)
        {
            if (!_sequences.TryGetValue(update.Sequence, out var channel))
            {
                continue; // cancelled in the meantime, and told so
            }

            channel.Writer.TryWrite(update);
            if (update.FinishReason is not null)
            {
                channel.Writer.TryComplete();
                _sequences.Remove(update.Sequence);
                _waiting.Remove(update.Sequence);
            }
        }
    }

    private void Fail(Exception exception)
    {
        lock (_lock)
        {
            _failure = exception;
            foreach (var channel in _sequences.Values)
            {
                channel.Writer.TryComplete(Fresh(exception));
            }

            _sequences.Clear();
            _waiting.Clear();
        }
    }
}
