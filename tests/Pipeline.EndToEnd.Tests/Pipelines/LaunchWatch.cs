using System.Collections.Concurrent;
using Pipeline.Coordinator.Stages;

namespace Pipeline.EndToEnd.Tests.Pipelines;

/// <summary>Tells when the stages are in the middle of loading, and remembers what was said about them.</summary>
internal sealed class LaunchWatch : ILaunchObserver
{
    private readonly TaskCompletionSource _loading = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task LoadingHasBegun => _loading.Task;

    /// <summary>Losses, attempts and returns, a line each.</summary>
    public ConcurrentQueue<string> Told { get; } = [];

    public Action<int>? OnLoaded { get; init; }

    public void Starting(int stages, bool local)
    {
    }

    public void Tell(string line)
    {
    }

    public void Retrying(int stage, string address, int attempt, string reason) => Told.Enqueue($"stage {stage}: {reason}");

    public void Reached(int stage, string address) => Told.Enqueue($"stage {stage} is there");

    public void Lost(int stage, string reason) => Told.Enqueue($"stage {stage} is lost: {reason}");

    public void Recovered(double seconds)
    {
    }

    public void Loading(int stage, long bytesDone, long bytesTotal)
    {
        if (bytesDone > 0 && bytesDone < bytesTotal)
        {
            _loading.TrySetResult();
        }
    }

    public void Loaded(int stage, long bytes, double seconds) => OnLoaded?.Invoke(stage);
}
