using Pipeline.Coordinator.Stages.Recovery;
using Pipeline.Coordinator.Tests.Serving;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Stages.Recovery;

public class StartSilenceTests
{
    private static readonly StageException Silent = new(StageError.Timeout, "no answer within the deadline", 1);

    private static readonly Func<int, bool> OnCpu = _ => false;

    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(299, null)]
    [InlineData(300, 1)]
    public void HungStage_OneThatIsSilentForAWhile_IsThatWhenNoStepMayTakeAsLong(int seconds, int? hung)
    {
        var silence = new StartSilence(TimeSpan.FromSeconds(300), OnCpu, _clock);
        Assert.Null(silence.HungStage);
        silence.Take(Silent);
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        silence.Take(Silent);

        Assert.Equal(hung, silence.HungStage);
    }

    [Theory]
    [InlineData(StageError.StageLost, 1)]
    [InlineData(StageError.Timeout, 0)]
    public void HungStage_OtherNewsInBetween_BeginsAnew(StageError error, int stage)
    {
        var silence = new StartSilence(TimeSpan.FromSeconds(300), OnCpu, _clock);
        foreach (var failure in new[] { Silent, new StageException(error, "other news", stage), Silent })
        {
            silence.Take(failure);
            _clock.Advance(TimeSpan.FromSeconds(200));
        }

        Assert.Null(silence.HungStage);
    }

    [Fact]
    public void HungStage_OnAGpu_IsTheOneThatDidNotStartOnce()
    {
        var silence = new StartSilence(TimeSpan.FromSeconds(300), stage => stage == 1, _clock);
        Assert.Null(silence.HungStage);
        silence.Take(Silent);

        Assert.Equal(1, silence.HungStage);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void HungStage_WithoutAPatience_IsNone(bool isOnGpu)
    {
        var silence = new StartSilence(null, _ => isOnGpu, _clock);
        silence.Take(Silent);
        _clock.Advance(TimeSpan.FromDays(1));

        Assert.Null(silence.HungStage);
    }
}
