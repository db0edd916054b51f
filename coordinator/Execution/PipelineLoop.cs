using System.Runtime.CompilerServices;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>
/// The flow: asks the scheduler for microbatches, sends them through the pipeline, hands results back, and gives every sequence
/// its news. The scheduler is touched under one lock only; a result leads to the next microbatch without a thread switch. With a
/// recovery, sequences outlive a pipeline that breaks: they wait until it is back, and are computed again from their tokens so far.
/// </summary>
public sealed class PipelineLoop : IAsyncDisposable
{
    private readonly Scheduler _scheduler;
    private readonly LoopRecovery? _recovery;
    private readonly Lock _lock = new();
    private readonly SequenceFeeds _feeds = new();
    private readonly Suspects _suspects = new();
    private readonly OutageSpell _spell;
    private readonly WakeSignal _wake = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private Exception? _failure;
    private PipelineOutage? _outage;
    private RecoveryCounters _recoveries;
    private bool _completing;

    /// <summary>The first failure of the pipeline is the end.</summary>
    public PipelineLoop(Scheduler scheduler, IStage pipeline)
        : this(scheduler, pipeline, null)
    {
    }

    public PipelineLoop(Scheduler scheduler, IStage pipeline, LoopRecovery? recovery)
    {
        (_scheduler, _recovery, _spell) = (scheduler, recovery, new OutageSpell(recovery?.TimeProvider ?? TimeProvider.System));
        _running = Task.Run(() => RunAsync(pipeline));
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

    /// <summary>What the pipeline is being brought back from; null while it runs.</summary>
    public PipelineOutage? Outage
    {
        get
        {
            lock (_lock)
            {
                return _outage is null ? null : _outage with { Failure = _recovery?.Trouble() ?? _outage.Failure };
            }
        }
    }

    public RecoveryCounters Recoveries
    {
        get
        {
            lock (_lock)
            {
                return _recoveries;
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
    public IReadOnlyList<SequenceFeed> SubmitAll(IReadOnlyList<SequenceRequest> requests) => SubmitAll(requests, _ => { });

    /// <param name="onAdded">Told of all of them before the first is sent, which waits for it.</param>
    public IReadOnlyList<SequenceFeed> SubmitAll(IReadOnlyList<SequenceRequest> requests, Action<IReadOnlyList<SequenceFeed>> onAdded)
    {
        var feeds = new List<SequenceFeed>(requests.Count);
        lock (_lock)
        {
            if ((_failure ?? _outage?.Refusal) is { } refusal)
            {
                throw Fresh(refusal);
            }

            try
            {
                foreach (var request in requests)
                {
                    feeds.Add(_feeds.Add(_scheduler.Add(request)));
                }
            }
            catch (RequestRejectedException)
            {
                feeds.ForEach(feed => GiveUpNeedsLock(feed.Id, null));
                throw;
            }

            onAdded(feeds);
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
                _feeds.Deliver([update]);
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

    private async Task RunAsync(IStage pipeline)
    {
        try
        {
            while (await RunEpochAsync(pipeline) is { } failure)
            {
                pipeline = await RecoverAsync(_recovery!, failure);
            }

            Fail(new OperationCanceledException("the pipeline is stopped"));
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    /// <summary>Until the flow ends well; or what ended it, if it can go on from there.</summary>
    private async Task<StageException?> RunEpochAsync(IStage pipeline)
    {
        try
        {
            await foreach (var output in pipeline.ForwardAsync(MicrobatchesAsync(_stop.Token), _stop.Token))
            {
                IReadOnlyList<SequenceUpdate> updates;
                lock (_lock)
                {
                    updates = _scheduler.Complete(output.Result!);
                    CompletedSteps = output.Microbatch.Step;
                }

                _spell.StepCompleted();

                // The stages come first: they compute the next step while everybody is told of this one.
                _wake.Set();
                lock (_lock)
                {
                    _feeds.Deliver(updates);
                    _suspects.Clear(updates);
                }
            }

            return null;
        }
        catch (StageException failure) when (_recovery is not null && !_stop.IsCancellationRequested)
        {
            return failure;
        }
    }

    private async Task<IStage> RecoverAsync(LoopRecovery recovery, StageException failure)
    {
        var clock = recovery.TimeProvider;
        var began = clock.GetTimestamp();
        _spell.EpochEnds();
        lock (_lock)
        {
            _outage = new PipelineOutage(failure, null);
            foreach (var guilty in _suspects.Judge(failure, PresentAt(failure)))
            {
                GiveUpNeedsLock(guilty, Fresh(failure));
            }
        }

        var patience = recovery.Patience > _spell.Elapsed ? recovery.Patience - _spell.Elapsed : TimeSpan.Zero;
        using var limit = clock.CreateTimer(_ => RefuseRequests(recovery), null, patience, Timeout.InfiniteTimeSpan);
        await Task.Delay(_spell.Rest, clock, _stop.Token);
        var mended = await recovery.MendAsync(failure, _stop.Token);
        lock (_lock)
        {
            _scheduler.Restart(mended.Epoch);
            _outage = null;
            _recoveries = new RecoveryCounters(_recoveries.Recoveries + 1, _recoveries.Lost + clock.GetElapsedTime(began));
        }

        _spell.EpochBegins();
        return mended.Stage;
    }

    /// <summary>Who may have caused it: if one step failed, those in it, else everybody in the pipe.</summary>
    private IReadOnlyList<SequenceId> PresentAt(StageException failure) =>
        (failure.Step is { } step ? _scheduler.SequencesOf(step) : null) ?? _scheduler.SequencesInFlight;

    /// <summary>Who has waited for long enough is told so; who comes later does not wait at all.</summary>
    private void RefuseRequests(LoopRecovery recovery)
    {
        lock (_lock)
        {
            if (_outage is not { } outage)
            {
                return;
            }

            var failure = recovery.Trouble() ?? outage.Failure;
            var waited = recovery.Patience > TimeSpan.Zero ? $"; not back after {recovery.Patience.TotalSeconds:0.#} s" : "";
            var refusal = new StageException(failure.Error, failure.Message + waited, failure.StageIndex, failure);
            _outage = outage with { Refusal = refusal };
            foreach (var id in _feeds.Ids.ToList())
            {
                GiveUpNeedsLock(id, Fresh(refusal));
            }
        }
    }

    private void GiveUpNeedsLock(SequenceId id, Exception? failure)
    {
        _scheduler.Cancel(id);
        _feeds.End(id, failure);
    }

    private async IAsyncEnumerable<StageInput> MicrobatchesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            Microbatch? microbatch;
            lock (_lock)
            {
                microbatch = _scheduler.TrySchedule();
                if (microbatch is not null)
                {
                    _feeds.TellStarted(microbatch);
                    _spell.StepSent();
                }
                else if (_completing && !_scheduler.HasWork)
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

    private void Fail(Exception exception)
    {
        lock (_lock)
        {
            _failure = exception;
            _outage = null;
            _feeds.EndAll(() => Fresh(exception));
        }
    }
}
