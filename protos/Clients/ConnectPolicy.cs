using Pipeline.Shared.Stages;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Pipeline.Protos.Clients;

/// <summary>
/// How one keeps trying to reach a stage, or to get its lease: exponential back-off with jitter behind a circuit, until the
/// patience is used up. Only failures that time can heal are retried; any other refusal is final at once.
/// </summary>
public static class ConnectPolicy
{
    public static ResiliencePipeline Create(TimeProvider timeProvider, TimeSpan patience, Action<int, StageException>? onRetry) =>
        new ResiliencePipelineBuilder { TimeProvider = timeProvider }
            .AddTimeout(patience)
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromMilliseconds(50),
                MaxDelay = TimeSpan.FromSeconds(1),
                ShouldHandle = new PredicateBuilder().Handle<StageException>(CanHeal).Handle<BrokenCircuitException>(),
                OnRetry = arguments =>
                {
                    if (arguments.Outcome.Exception is StageException failure)
                    {
                        onRetry?.Invoke(arguments.AttemptNumber + 1, failure);
                    }

                    return ValueTask.CompletedTask;
                },
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 1,
                MinimumThroughput = 10,
                SamplingDuration = TimeSpan.FromSeconds(5),
                BreakDuration = TimeSpan.FromSeconds(1),
                ShouldHandle = new PredicateBuilder().Handle<StageException>(CanHeal),
            })
            .Build();

    /// <summary>Attempts until one succeeds, or fails for good, or the patience is used up.</summary>
    /// <param name="giveUp">Makes the failure that is told then, of what the last attempt said; null if none was answered.</param>
    public static async Task<T> PersistAsync<T>(
        TimeProvider timeProvider, TimeSpan patience, Action<int, StageException>? onRetry, Func<CancellationToken, Task<T>> attempt,
        Func<StageException?, Exception, StageException> giveUp, CancellationToken cancellationToken)
    {
        StageException? last = null;
        try
        {
            return await Create(timeProvider, patience, onRetry).ExecuteAsync(
                async token =>
                {
                    try
                    {
                        return await attempt(token).ConfigureAwait(false);
                    }
                    catch (StageException exception)
                    {
                        last = exception;
                        throw;
                    }
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not StageException && !cancellationToken.IsCancellationRequested)
        {
            throw giveUp(last, exception);
        }
    }

    private static bool CanHeal(StageException exception) =>
        exception.Error is StageError.Unreachable or StageError.StageLost or StageError.Timeout or StageError.AlreadyInUse;
}
