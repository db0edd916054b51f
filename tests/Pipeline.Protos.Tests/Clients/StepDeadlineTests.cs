using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Clients;

/// <summary>Who is taken for hung, and when: on a clock that moves an eighth of the patience at a time.</summary>
public sealed class StepDeadlineTests : IDisposable
{
    private const int Looks = 8;

    private readonly ManualTimeProvider _clock = new();
    private readonly List<StageException> _failures = [];
    private readonly StepDeadline _deadline;
    private readonly IDisposable _watch;

    public StepDeadlineTests()
    {
        _deadline = new StepDeadline(3, TimeSpan.FromSeconds(8), _clock);
        _watch = _deadline.Watch(_failures.Add);
    }

    [Fact]
    public void Silence_WithNothingInThePipe_IsNone()
    {
        Look(3 * Looks);
        _deadline.Sent(1);
        _deadline.Answered(1);
        Look(3 * Looks);

        Assert.Empty(_failures);
    }

    /// <summary>What counts is the oldest step, from when it was alone at the head of the pipe.</summary>
    [Fact]
    public void Step_ThatTakesLongerThanThePatience_IsNamed()
    {
        Look(Looks);
        _deadline.Sent(1);
        Look(Looks - 1);
        Assert.Empty(_failures);
        Look(1);

        var failure = Assert.Single(_failures);
        Assert.Equal((StageError.Timeout, 0, "has not finished step 1 for 8 s"), (failure.Error, failure.StageIndex, failure.Message));
        Assert.Equal(1, failure.Step);
    }

    [Fact]
    public void Steps_ThatComeBackNowAndThen_AreNotSilent()
    {
        _deadline.Sent(1);
        for (var step = 1; step <= 20; step++)
        {
            _deadline.Sent(step + 1);
            Look(Looks - 1);
            _deadline.Answered(step);
        }

        Assert.Empty(_failures);
    }

    /// <summary>Each of them may take nearly as long as the patience.</summary>
    [Fact]
    public void Step_ThatGoesFromStageToStage_IsNotSilent()
    {
        _deadline.Sent(1);
        for (var stage = 0; stage < 3; stage++)
        {
            Look(Looks - 1);
            _deadline.Take([new StepReport(stage, 1, new MicrobatchId(0), 1, 1, 0, 0, 0, 0)]);
        }

        Look(Looks - 1);
        Assert.Empty(_failures);
    }

    /// <summary>Stages behind the hung one are silent too, those before it may be steps ahead.</summary>
    [Theory]
    [InlineData(new long[] { 4, 4, 4 }, 0)]
    [InlineData(new long[] { 7, 4, 4 }, 1)]
    [InlineData(new long[] { 7, 5, 4 }, 2)]
    [InlineData(new long[] { 7, 5, 5 }, 2)] // computed, and not told
    public void Stage_ThatIsNamed_IsTheFirstWithoutTheStep(long[] finished, int expected)
    {
        for (var step = 1; step <= 7; step++)
        {
            _deadline.Sent(step);
        }

        _deadline.Take([.. finished.Select((step, stage) => new StepReport(stage, step, new MicrobatchId(0), 1, 1, 0, 0, 0, 0))]);
        _deadline.Answered(4);
        Look(Looks);

        Assert.Equal(expected, Assert.Single(_failures).StageIndex);
    }

    public void Dispose() => _watch.Dispose();

    private void Look(int times)
    {
        for (var look = 0; look < times; look++)
        {
            _clock.AdvanceToNextTimer();
        }
    }
}
