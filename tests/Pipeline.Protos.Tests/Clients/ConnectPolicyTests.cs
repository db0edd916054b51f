using Pipeline.Protos.Clients;
using Pipeline.Shared.Stages;
using Polly.Timeout;

namespace Pipeline.Protos.Tests.Clients;

/// <summary>The policy on a clock of the test's own: only the order of things and virtual times matter.</summary>
public class ConnectPolicyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualTimeProvider _clock = new();
    private readonly List<TimeSpan> _attempts = [];
    private readonly List<(int Retry, StageError Error)> _retries = [];

    [Theory]
    [InlineData(StageError.Unreachable)]
    [InlineData(StageError.StageLost)]
    [InlineData(StageError.Timeout)]
    [InlineData(StageError.AlreadyInUse)]
    public async Task FailureThatHeals_AfterSomeAttempts_Succeeds(StageError error)
    {
        await ExecuteAsync(attempt => attempt <= 4 ? error : null);

        Assert.Equal(5, _attempts.Count);
        Assert.Equal([(1, error), (2, error), (3, error), (4, error)], _retries);
    }

    /// <summary>
    /// The jitter moves retry k within its own doubling: it comes between 2^(k-1) and 2^k units after the first attempt, but for
    /// the curve's slow beginning, where a unit is 50 ms / 1.4.
    /// </summary>
    [Fact]
    public async Task Delays_BetweenRetries_Double()
    {
        var unit = TimeSpan.FromMilliseconds(50 / 1.4);
        for (var run = 0; run < 20; run++)
        {
            _attempts.Clear();
            var began = _clock.Elapsed;
            await ExecuteAsync(attempt => attempt <= 5 ? StageError.Unreachable : null);
            for (var retry = 1; retry <= 5; retry++)
            {
                Assert.InRange((_attempts[retry] - began) / unit, retry == 1 ? 0 : 0.95 * Math.Pow(2, retry - 1), Math.Pow(2, retry));
            }
        }
    }

    [Fact]
    public async Task FailureThatStays_UntilPatienceEnds_GivesUpThen()
    {
        await Assert.ThrowsAsync<TimeoutRejectedException>(() => ExecuteAsync(_ => StageError.Unreachable));

        Assert.Equal(Patience, _clock.Elapsed);
        Assert.InRange(_attempts.Count, 15, 60);
        Assert.All(_attempts.Zip(_attempts.Skip(1), (first, next) => next - first), gap => Assert.InRange(gap, TimeSpan.Zero, TimeSpan.FromSeconds(4)));
    }

    public static TheoryData<StageError> FinalErrors =>
        [.. Enum.GetValues<StageError>().Except([StageError.Unreachable, StageError.StageLost, StageError.Timeout, StageError.AlreadyInUse])];

    [Theory]
    [MemberData(nameof(FinalErrors))]
    public async Task Refusal_ThatTimeDoesNotHeal_IsFinalAtOnce(StageError error)
    {
        var failure = await Assert.ThrowsAsync<StageException>(() => ExecuteAsync(_ => error));

        Assert.Equal(error, failure.Error);
        Assert.Single(_attempts);
        Assert.Empty(_retries);
        Assert.Equal(TimeSpan.Zero, _clock.Elapsed);
    }

    [Fact]
    public async Task Refusal_AfterRetries_IsFinal()
    {
        var failure = await Assert.ThrowsAsync<StageException>(() => ExecuteAsync(attempt => attempt <= 2 ? StageError.Unreachable : StageError.ProtocolMismatch));

        Assert.Equal(StageError.ProtocolMismatch, failure.Error);
        Assert.Equal(3, _attempts.Count);
    }

    private async Task ExecuteAsync(Func<int, StageError?> outcomeOf)
    {
        var policy = ConnectPolicy.Create(_clock, Patience, (retry, failure) => _retries.Add((retry, failure.Error)));
        var attempt = 0;
        var execution = policy.ExecuteAsync(
            _ =>
            {
                _attempts.Add(_clock.Elapsed);
                return outcomeOf(++attempt) is { } error ? ValueTask.FromException(new StageException(error, "refused")) : ValueTask.CompletedTask;
            },
            TestContext.Current.CancellationToken).AsTask();
        await DriveAsync(execution);
        await execution;
    }

    /// <summary>Moves the clock whenever the policy waits, which is when a delay's timer runs beside that of the patience.</summary>
    private async Task DriveAsync(Task execution)
    {
        while (!execution.IsCompleted)
        {
            if (_clock.RunningTimers == 2)
            {
                _clock.AdvanceToNextTimer();
            }

            await Task.Yield();
        }
    }
}
