using Grpc.Core;

namespace Pipeline.StageWorker.Services;

/// <summary>
/// What a call sends to its caller. The gRPC library resets the whole call at the moment when the token of a write is cancelled,
/// and the caller then learns of a lost connection instead of the reason. So a write that is under way when the work stops may
/// still end; only a caller that takes nothing is cut off, after a while.
/// </summary>
/// <param name="stop">After it nothing new is written.</param>
public sealed class PatientWriter<T>(IServerStreamWriter<T> stream, TimeProvider timeProvider, CancellationToken stop) : IDisposable
{
    /// <summary>For a caller that reads; well below the time that the worker's own end may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _end = new(Timeout.InfiniteTimeSpan, timeProvider);
    private CancellationTokenRegistration _stopping;

    /// <summary>Throws an <see cref="OperationCanceledException"/> once the work has stopped.</summary>
    public Task WriteAsync(T message)
    {
        stop.ThrowIfCancellationRequested();
        if (_stopping == default)
        {
            _stopping = stop.UnsafeRegister(static end => ((CancellationTokenSource)end!).CancelAfter(Patience), _end);
        }

        return stream.WriteAsync(message, _end.Token);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _end.Dispose();
    }
}
