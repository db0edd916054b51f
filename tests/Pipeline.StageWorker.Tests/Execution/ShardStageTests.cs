using System.Threading.Channels;
using Pipeline.Model;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;

namespace Pipeline.StageWorker.Tests.Execution;

/// <summary>A stage whose device computes while the host goes on: what is begun, handed on and given back, and when.</summary>
public class ShardStageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The next microbatch is queued behind the one that the device computes.</summary>
    [Fact]
    public async Task Forward_DeviceAtWork_TheNextStepIsBegun()
    {
        await using var run = new Run();
        run.Feed(1, 2);
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 2), "the steps to begin");
        Assert.All(run.Steps, step => Assert.False(step.IsFinished));

        run.Steps[0].End();
        Assert.Equal(1, (await run.TakeAsync()).Microbatch.Step);
        Assert.False(run.Steps[1].IsFinished);
        run.Steps[1].End();
        Assert.Equal(2, (await run.TakeAsync()).Microbatch.Step);
    }

    /// <summary>A device that falls behind holds back whoever sends: steps are not begun without bound.</summary>
    [Fact]
    public async Task Forward_NothingEnds_BeginsNoMoreThanItMay()
    {
        await using var run = new Run();
        run.Feed([.. Enumerable.Range(1, 20)]);
        var taking = run.TakeAsync();
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == ShardStage.MostBegun), "the steps to begin");
        await Task.Delay(50, Token);
        Assert.Equal(ShardStage.MostBegun, run.Steps.Count);
        for (var step = 0; step < 20; step++)
        {
            await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count > step), "the steps to begin");
            run.Steps[step].End();
            Assert.Equal(step + 1, (await taking).Microbatch.Step);
            taking = step < 19 ? run.TakeAsync() : taking;
        }
    }

    /// <summary>Hidden states on a device go on before they are there; the input is kept until the device has read it.</summary>
    [Fact]
    public async Task Forward_HiddenStatesOnADevice_GoOnAtOnceAndTheTimesFollow()
    {
        await using var run = new Run(early: true);
        run.Feed(1);
        var output = await run.TakeAsync();
        Assert.NotNull(output.Hidden?.DeviceSlot);
        Assert.False(output.Ending!.IsCompleted);
        Assert.Equal(0, run.InputsDisposed);
        run.Steps[0].End();
        var times = await output.Ending.WaitAsync(Eventually.Soon, Token);
        Assert.Equal(1, run.InputsDisposed);
        Assert.Equal(FakeStep.DeviceNanoseconds, times.Finished - times.Started);
        output.Dispose();
    }

    /// <summary>A step that the device ends before the host looks for the first time.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Forward_StepOverAtOnce_LosesNothing(bool early)
    {
        await using var run = new Run(early, isQuick: true);
        run.Feed(1, 2, 3);
        for (var step = 1; step <= 3; step++)
        {
            using var output = await run.TakeAsync();
            Assert.Equal((step, early), (output.Microbatch.Step, output.Hidden is not null));
            Assert.Equal(early, output.Result is null);
            var times = early ? await output.Ending!.WaitAsync(Eventually.Soon, Token) : output.Times;
            Assert.InRange(times.Started, times.Received, times.Finished);
        }

        Assert.Equal(3, run.InputsDisposed);
    }

    /// <summary>The time spent waiting for the stage before is not this stage's: received is when the device could begin.</summary>
    [Fact]
    public async Task Forward_InputOnADevice_IsReceivedWhenTheDeviceBegins()
    {
        await using var run = new Run(inputOnDevice: true);
        run.Feed(1);
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 1), "the steps to begin");
        run.Steps[0].End();
        var times = (await run.TakeAsync()).Times;
        Assert.Equal(times.Started, times.Received);
        Assert.Equal(FakeStep.DeviceNanoseconds, times.Finished - times.Started);
    }

    [Fact]
    public async Task Forward_StepFails_ItsReasonEndsTheStreamAndInputsAreGivenBack()
    {
        await using var run = new Run();
        run.Feed(1, 2);
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 2), "the steps to begin");
        run.Steps[0].Fail(new InvalidOperationException("a kernel said no"));
        var taking = run.TakeAsync();
        run.Steps[1].End(); // the device goes on; nobody wants it any more
        var failure = await Assert.ThrowsAsync<StageException>(() => taking);
        Assert.Equal((StageError.ComputeFailed, Run.Stage), (failure.Error, failure.StageIndex));
        Assert.Contains("a kernel said no", failure.Message, StringComparison.Ordinal);
        await run.DisposeAsync();
        Assert.Equal(2, run.InputsDisposed);
    }

    /// <summary>Whoever ends the stream may free the shard next: the device must be through.</summary>
    [Fact]
    public async Task Dispose_DeviceAtWork_WaitsForIt()
    {
        var run = new Run(early: true) { EndsSteps = false };
        run.Feed(1, 2);
        using var output = await run.TakeAsync();
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 2), "the steps to begin");
        var ending = run.DisposeAsync().AsTask();
        await Task.Delay(50, Token);
        Assert.False(ending.IsCompleted);
        run.Steps[0].End();
        run.Steps[1].End();
        await ending.WaitAsync(Eventually.Soon, Token);
        Assert.Equal(2, run.InputsDisposed);
    }

    /// <summary>Several microbatches are computed in one turn: nobody comes between while there is another.</summary>
    [Fact]
    public async Task Forward_SeveralStepsWaiting_KeepsTheTurnUntilTheLastIsUnderWay()
    {
        var turn = new FakeTurn();
        await using var run = new Run(early: true, turn: turn);
        turn.Others = true;
        run.Feed(1, 2, 3);
        await Eventually.HoldsAsync(() => Task.FromResult(turn.Refusals > 0), "the stage to ask");
        Assert.Empty(run.Steps);
        turn.Others = false;
        await TakeAllAsync(run, 3);
        Assert.True(turn.IsHeld);
        run.Steps[0].End();
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps[0].IsFinished), "the first step to finish");
        Assert.True(turn.IsHeld);
        run.Steps[1].End();
        await Eventually.HoldsAsync(() => Task.FromResult(!turn.IsHeld), "the turn to be given back");
        Assert.Equal((1, false), (turn.Times, run.Steps[2].IsFinished));
        run.Steps[2].End();
    }

    /// <summary>A stage that waits for the next one to take its outputs must not keep that one from the device.</summary>
    [Fact]
    public async Task Forward_NobodyTakesTheOutputs_GivesTheTurnBack()
    {
        var turn = new FakeTurn();
        await using var run = new Run(early: true, turn: turn);
        run.Feed([.. Enumerable.Range(1, 2 * ShardStage.MostBegun)]);
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == ShardStage.MostBegun), "the steps to begin");
        foreach (var step in run.Steps)
        {
            step.End();
        }

        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.All(step => step.IsFinished) && !turn.IsHeld), "the turn to be given back");
        Assert.Equal(ShardStage.MostBegun, run.Steps.Count);
    }

    /// <summary>A single microbatch goes from stage to stage as ever: the next stage queues its step behind this one's.</summary>
    [Fact]
    public async Task Forward_OneStep_GivesTheTurnBackWhileItRuns()
    {
        var turn = new FakeTurn();
        await using var run = new Run(early: true, turn: turn);
        run.Feed(1);
        using var output = await run.TakeAsync();
        Assert.Equal((1, false, false), (turn.Times, turn.IsHeld, run.Steps[0].IsFinished));
        run.Steps[0].End();
    }

    /// <summary>Results must not wait for the turn that the step behind them waits for.</summary>
    [Fact]
    public async Task Forward_NextStepWaitsForItsTurn_TheOneBeforeIsFinished()
    {
        var turn = new FakeTurn();
        await using var run = new Run(turn: turn, inputOnDevice: true);
        run.Feed(1);
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 1), "the steps to begin");
        turn.Others = true;
        run.Feed(2);
        run.Steps[0].End();
        Assert.Equal(1, (await run.TakeAsync()).Microbatch.Step);
        await Eventually.HoldsAsync(() => Task.FromResult(turn.Refusals > 0), "the stage to ask");
        turn.Others = false;
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 2), "the steps to begin");
        run.Steps[1].End();

        // Its input was there before the device was free: that time is waiting, not the way between stages.
        var times = (await run.TakeAsync()).Times;
        Assert.Equal(FakeStep.QueuedNanoseconds - FakeStep.DeviceNanoseconds, times.Started - times.Received);
    }

    /// <summary>The turn is a matter of speed: whoever has it may be stopped for good.</summary>
    [Fact]
    public async Task Forward_TurnNeverComes_ComputesAllTheSame()
    {
        var turn = new FakeTurn { Others = true };
        await using var run = new Run(turn: turn, patience: TimeSpan.FromMilliseconds(5));
        run.Feed(1);
        await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 1), "the steps to begin");
        run.Steps[0].End();
        Assert.Equal(1, (await run.TakeAsync()).Microbatch.Step);
        Assert.Equal(0, turn.Times);
    }

    [Fact]
    public async Task Forward_StepFails_TheTurnIsGivenBack()
    {
        var turn = new FakeTurn();
        await using (var run = new Run(turn: turn))
        {
            run.Feed(1);
            await Eventually.HoldsAsync(() => Task.FromResult(run.Steps.Count == 1), "the steps to begin");
            run.Steps[0].Fail(new InvalidOperationException("a kernel said no"));
            await Assert.ThrowsAsync<StageException>(run.TakeAsync);
        }

        Assert.Equal((1, false), (turn.Times, turn.IsHeld));
    }

    private static async Task TakeAllAsync(Run run, int count)
    {
        for (var step = 0; step < count; step++)
        {
            (await run.TakeAsync()).Dispose();
        }
    }

    private sealed class Run : IAsyncDisposable
    {
        public const int Stage = 3;

        private readonly Channel<StageInput> _inputs = Channel.CreateUnbounded<StageInput>();
        private readonly ComputeThread _thread = new("test");
        private readonly SteppedClock _clock = new();
        private readonly IAsyncEnumerator<StageOutput> _outputs;
        private readonly List<FakeStep> _steps = [];
        private readonly bool _inputOnDevice;
        private int _inputsDisposed;
        private bool _isDisposed;

        public Run(bool early = false, bool inputOnDevice = false, bool isQuick = false, FakeTurn? turn = null, TimeSpan? patience = null)
        {
            _inputOnDevice = inputOnDevice;
            IsQuick = isQuick;
            var stage = new ShardStage(
                Stage,
                _ =>
                {
                    var step = new FakeStep(early, _clock);
                    if (IsQuick)
                    {
                        step.End();
                    }

                    lock (_steps)
                    {
                        _steps.Add(step);
                    }

                    return step;
                },
                _thread,
                new StageClock(_clock),
                turn)
            {
                Patience = patience ?? Eventually.Soon,
            };
            _outputs = stage.ForwardAsync(_inputs.Reader.ReadAllAsync(Token), Token).GetAsyncEnumerator(Token);
            Next = _outputs.MoveNextAsync().AsTask();
        }

        public IReadOnlyList<FakeStep> Steps
        {
            get
            {
                lock (_steps)
                {
                    return [.. _steps];
                }
            }
        }

        /// <summary>Whether disposing ends the steps that are under way, also where a test has failed before it did.</summary>
        public bool EndsSteps { get; init; } = true;

        /// <summary>Whether steps are over when they begin.</summary>
        private bool IsQuick { get; set; }

        public int InputsDisposed => Volatile.Read(ref _inputsDisposed);

        private Task<bool> Next { get; set; }

        public void Feed(params int[] steps)
        {
            foreach (var step in steps)
            {
                var slot = new FakeSlot(() => Interlocked.Increment(ref _inputsDisposed));
                var hidden = _inputOnDevice ? new HiddenStates(1, 4, ElementType.BFloat16, slot) : new HiddenStates(1, 4, ElementType.BFloat16, new FakeMemory(slot));
                var microbatch = new Microbatch { Epoch = new PlanEpoch(1), Step = step, Id = new MicrobatchId(0), Slices = [], Released = [] };
                _inputs.Writer.TryWrite(new StageInput(microbatch, hidden));
            }
        }

        public async Task<StageOutput> TakeAsync()
        {
            Assert.True(await Next.WaitAsync(Eventually.Soon, Token));
            var output = _outputs.Current;
            Next = _outputs.MoveNextAsync().AsTask();
            return output;
        }

        public async ValueTask DisposeAsync()
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            _inputs.Writer.TryComplete();
            if (EndsSteps)
            {
                IsQuick = true;
                foreach (var step in Steps)
                {
                    step.End();
                }
            }

            while (true)
            {
                await ((Task)Next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!Next.IsCompletedSuccessfully || !await Next)
                {
                    break;
                }

                Next = _outputs.MoveNextAsync().AsTask();
            }

            await _outputs.DisposeAsync();
            _thread.Dispose();
        }
    }

    private sealed class FakeStep(bool early, SteppedClock clock) : ShardStep
    {
        public const long DeviceNanoseconds = 1_000_000;

        public const long QueuedNanoseconds = 3 * DeviceNanoseconds;

        /// <summary>From when a step was queued to its end on the device: longer than the device computes.</summary>
        private static readonly TimeSpan Queued = TimeSpan.FromMicroseconds(QueuedNanoseconds / 1000);

        private volatile bool _isEnded;
        private Exception? _failure;

        public override HiddenStates? Early { get; } = early ? new HiddenStates(1, 4, ElementType.BFloat16, new FakeSlot(() => { })) : null;

        public override TimeSpan? DeviceTime => TimeSpan.FromMicroseconds(DeviceNanoseconds / 1000);

        public bool IsFinished { get; private set; }

        public void End()
        {
            clock.Advance(Queued);
            _isEnded = true;
        }

        public void Fail(Exception failure)
        {
            _failure = failure;
            _isEnded = true;
        }

        public override bool IsOver() => _isEnded;

        public override ShardOutput Finish()
        {
            IsFinished = true;
            return _failure is null ? new ShardOutput(null, early ? null : []) : throw _failure;
        }
    }

    /// <summary>Stands still until a step ends on the device.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        private long _ticks = TimeSpan.TicksPerSecond;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref _ticks);

        public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
    }

    /// <summary>A device on which others may be at work.</summary>
    private sealed class FakeTurn : IDeviceTurn
    {
        private volatile bool _others;
        private volatile bool _isHeld;
        private volatile int _refusals;

        public bool Others
        {
            set => _others = value;
        }

        public bool IsHeld => _isHeld;

        public int Times { get; private set; }

        public int Refusals => _refusals;

        public bool TryEnter()
        {
            if (_others)
            {
                _refusals++;
                return false;
            }

            Assert.False(_isHeld);
            Times++;
            return _isHeld = true;
        }

        public void Leave()
        {
            Assert.True(_isHeld);
            _isHeld = false;
        }
    }

    private sealed class FakeSlot(Action onDispose) : IDeviceSlot
    {
        public bool IsFilled => true;

        public int Index => 0;

        public void Dispose() => onDispose();
    }

    private sealed class FakeMemory(FakeSlot slot) : System.Buffers.IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = new byte[64];

        public void Dispose() => slot.Dispose();
    }
}
