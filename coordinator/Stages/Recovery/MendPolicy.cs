using Pipeline.Shared.Stages;
using Polly;
using Polly.Retry;

namespace Pipeline.Coordinator.Stages.Recovery;

/// <summary>How one keeps trying to bring a stage back: exponential back-off with jitter, as long as it can be tried at all.</summary>
internal static class MendPolicy
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <param name="canTryAgain">Asked after every failure.</param>
    public static ResiliencePipeline Create(TimeProvider timeProvider, Func<bool> canTryAgain, Action<StageException> onRetry) =>
        new ResiliencePipelineBuilder { TimeProvider = timeProvider }
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = TimeSpan.FromMilliseconds(100),
                MaxDelay = Longest,
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is StageException && canTryAgain()),
                OnRetry = arguments =>
                {
                    onRetry((StageException)arguments.Outcome.Exception!);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
}
