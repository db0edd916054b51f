using Pipeline.Shared.Checkpoints;
using Polly;
using Polly.Retry;

namespace Pipeline.StageWorker.Loading;

/// <summary>
/// How often a load is tried: storage on a network has its moments, and a load of many gigabytes should survive them. Only what
/// time can heal is tried again; a file that is not there, or not what it should be, is final at once.
/// </summary>
public static class LoadPolicy
{
    public const int Attempts = 4;

    /// <param name="onRetry">Told the number of the attempt that failed, and why.</param>
    /// <param name="randomizer">Of the pauses: from 0 to 1. The library's own if null.</param>
    public static ResiliencePipeline Create(TimeProvider timeProvider, Action<int, Exception> onRetry, Func<double>? randomizer = null)
    {
        var retry = new RetryStrategyOptions
        {
            MaxRetryAttempts = Attempts - 1,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = TimeSpan.FromMilliseconds(250),
            MaxDelay = TimeSpan.FromSeconds(5),
            ShouldHandle = new PredicateBuilder().Handle<Exception>(CanHeal),
            OnRetry = arguments =>
            {
                onRetry(arguments.AttemptNumber + 1, arguments.Outcome.Exception!);
                return ValueTask.CompletedTask;
            },
        };
        retry.Randomizer = randomizer ?? retry.Randomizer;
        return new ResiliencePipelineBuilder { TimeProvider = timeProvider }.AddRetry(retry).Build();
    }

    /// <summary>The checkpoint's readers name the file in an exception of their own; what the system said is inside.</summary>
    public static bool CanHeal(Exception exception) => (exception as CheckpointException)?.InnerException switch
    {
        { } inner => IsTransient(inner),
        null => IsTransient(exception),
    };

    private static bool IsTransient(Exception exception) =>
        exception is IOException and not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException);
}
