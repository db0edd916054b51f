using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Plays a scenario to its end against the fake stage and checks the scheduler's promises at every event.</summary>
internal sealed class ScenarioRun
{
    private readonly Scenario _scenario;
    private readonly Scheduler _scheduler;
    private readonly OnlookerModel _onlooker;
    private readonly Queue<MicrobatchResult> _pipe = new();
    private ReplayStage _stage;
    private long _epoch = 1;
    private int _added;

    public ScenarioRun(Scenario scenario)
    {
        _scenario = scenario;
        _scheduler = new Scheduler(scenario.Options, scenario.Cache);
        _onlooker = new OnlookerModel(scenario.Options);
        _stage = new ReplayStage(scenario.Cache, scenario.Options.PrefixCaching);
    }

    public ScenarioCoverage Coverage { get; } = new();

    public void Play()
    {
        foreach (var number in _scenario.Events)
        {
            Happen(number % 10, number / 10);
        }

        while (_added < _scenario.Requests.Length)
        {
            AddNext();
        }

        Drain();
        CheckEnd();
    }

    private void Happen(int kind, int argument)
    {
        switch (kind)
        {
            case 0 or 1: AddNext(); break;
            case 2 or 3 or 4 or 5: Schedule(); break;
            case 6 or 7 or 8: Complete(); break;
            case 9 when argument < 60: Cancel(new SequenceId((argument % Math.Max(1, _added)) + 1)); break;
            case 9 when argument > 95: Restart(); break;
        }

        _scheduler.Pool.CheckIntegrity();
        Assert.InRange(_scheduler.Counters.Running, 0, _scenario.Options.MaxSequences);
    }

    /// <summary>As long as there is work, either something is in flight or the scheduler has something to send.</summary>
    private void Drain()
    {
        for (var round = 0; _scheduler.HasWork; round++)
        {
            Assert.True(round < 5000, "the scheduler does not come to an end");
            while (Schedule())
            {
            }

            Assert.NotEmpty(_pipe);
            Complete();
        }
    }

    private void AddNext()
    {
        if (_added == _scenario.Requests.Length)
        {
            return;
        }

        var request = _scenario.Requests[_added++];
        if (IsServable(request))
        {
            _onlooker.Add(_scheduler.Add(request), request);
        }
        else
        {
            Assert.Throws<RequestRejectedException>(() => _scheduler.Add(request));
        }
    }

    private bool IsServable(SequenceRequest request)
    {
        var (prompt, room) = (request.Prompt.Count, _scenario.Options.MaxModelLength);
        var answer = request.MaxTokens ?? room - prompt;
        var positions = prompt + Math.Max(0, answer - 1);
        return prompt + (request.MaxTokens ?? 1) <= room && _scenario.Cache.Groups.All(
            group => Math.Min(Math.Ceiling((double)positions / _scenario.Cache.BlockSize), group.RingBlocks) <= group.BlockCount);
    }

    private bool Schedule()
    {
        if (_scheduler.TrySchedule() is not { } microbatch)
        {
            return false;
        }

        _onlooker.Sent(microbatch, Coverage);
        _pipe.Enqueue(_stage.Forward(microbatch));
        Assert.InRange(_stage.SequenceCount, 0, _scenario.Options.MaxSequences);
        Assert.Equal(_pipe.Count, _scheduler.InFlight);
        return true;
    }

    private void Complete()
    {
        if (!_pipe.TryDequeue(out var result))
        {
            return;
        }

        foreach (var later in _pipe.Take(1))
        {
            Assert.Equal(StageError.OutOfOrder, Assert.Throws<StageException>(() => _scheduler.Complete(later)).Error);
        }

        _onlooker.Completed(result, _scheduler.Complete(result));
    }

    private void Cancel(SequenceId id)
    {
        var expected = _onlooker.IsLive(id);
        Coverage.CancelledInFlight += expected && _onlooker[id].InFlight > 0 ? 1 : 0;
        var update = _scheduler.Cancel(id);
        Assert.Equal(expected ? FinishReason.Cancelled : null, update?.FinishReason);
        if (update is not null)
        {
            _onlooker[id].Apply(update);
        }
    }

    private void Restart()
    {
        _scheduler.Restart(new PlanEpoch(++_epoch));
        _pipe.Clear();
        CoverStage();
        _stage = new ReplayStage(_scenario.Cache, _scenario.Options.PrefixCaching);
        _onlooker.Restarted();
    }

    private void CoverStage()
    {
        Coverage.RingReuses += _stage.RingReuses;
        Coverage.Turns += _stage.Turns;
    }

    private void CheckEnd()
    {
        CoverStage();
        var counters = _scheduler.Counters;
        Coverage.Preemptions += (int)counters.Preemptions;
        Coverage.CachedTokens += counters.Prefixes.HitTokens;
        Coverage.Evictions += counters.Prefixes.EvictedBlocks;
        Assert.Equal(_onlooker.Preemptions, _scheduler.Counters.Preemptions);
        Assert.Equal(0, _stage.SequenceCount);
        Assert.Equal((_onlooker.CachedTokens, _onlooker.Scheduled), (counters.Prefixes.HitTokens, counters.Scheduled));
        Assert.Equal(
            new SchedulerCounters(0, 0, 0, _scenario.Cache.Groups.Sum(group => group.BlockCount), 0, _onlooker.Preemptions),
            counters with { CachedBlocks = 0, Prefixes = default, Scheduled = default, LastStep = default });
        Assert.InRange(counters.CachedBlocks, 0, counters.FreeBlocks);
        _scheduler.Pool.CheckIntegrity();
        _onlooker.CheckTexts();
    }
}
