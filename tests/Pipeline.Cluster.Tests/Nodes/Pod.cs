using System.Diagnostics;
using k8s.Models;
using Pipeline.Cluster.Tests.Pods;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>A pod with one lasting container, looked after as a kubelet does: started, probed, started again when it ends, stopped with its grace.</summary>
internal sealed class Pod : IAsyncDisposable
{
    // A kubelet's first wait is 10 s, the longest 300 s; here everything that fails again and again is to be seen sooner.
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(10);

    private readonly V1PodSpec _spec;
    private readonly PodContainers _containers;
    private readonly Action<string> _tell;
    private readonly CancellationTokenSource _deleted = new();
    private readonly List<ContainerProcess> _processes = [];
    private readonly Task _life;
    private volatile bool _ready;
    private long _readySince;

    /// <param name="tell">What happens to the pod, one line each; called whenever it gets or loses its readiness too.</param>
    public Pod(V1PodSpec spec, PodIdentity identity, PodContainers containers, Action<string> tell)
    {
        (_spec, Identity, _containers, _tell) = (spec, identity, containers, tell);
        _life = Task.Run(LiveAsync);
    }

    public PodIdentity Identity { get; }

    public bool IsReady => _ready && !IsDeleted;

    /// <summary>Without a break; null while it is not ready.</summary>
    public TimeSpan? ReadyFor => IsReady ? Stopwatch.GetElapsedTime(Interlocked.Read(ref _readySince)) : null;

    /// <summary>Told to end; perhaps still at it.</summary>
    public bool IsDeleted => _deleted.IsCancellationRequested;

    public bool IsGone => _life.IsCompleted;

    /// <summary>How often its container was started after the first time.</summary>
    public int Restarts { get; private set; }

    /// <summary>What its containers have written, one after the other.</summary>
    public string Log
    {
        get
        {
            lock (_processes)
            {
                return string.Join("\n-- next container --\n", _processes.Select(process => process.Log));
            }
        }
    }

    private ContainerProcess? Newest
    {
        get
        {
            lock (_processes)
            {
                return _processes.LastOrDefault();
            }
        }
    }

    /// <summary>As a node does that loses power, or a kernel that is out of memory: no farewell.</summary>
    public void Crash() => Newest!.Kill();

    /// <summary>Ends it in order; complete when its process is gone.</summary>
    public async Task DeleteAsync()
    {
        await _deleted.CancelAsync();
        _tell("deleted");
        if (Newest is { HasEnded: false } process)
        {
            await StopAsync(process);
        }

        await _life;
        _tell("gone");
    }

    public async ValueTask DisposeAsync()
    {
        await _deleted.CancelAsync();
        foreach (var process in _processes.ToList())
        {
            await process.DisposeAsync();
        }

        await _life.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _deleted.Dispose();
    }

    private async Task LiveAsync()
    {
        var backoff = FirstBackoff;
        try
        {
            foreach (var container in _spec.InitContainers ?? [])
            {
                for (; await RunAsync(container, _ => Task.CompletedTask) != 0; backoff = Longer(backoff))
                {
                    await Task.Delay(backoff, _deleted.Token);
                }
            }

            for (; ; Restarts++, backoff = Longer(backoff))
            {
                await RunAsync(_spec.Containers[0], token => new ContainerWatch(_spec.Containers[0], Identity.Address, Newest!, StopAsync, SetReady, _tell).WatchAsync(token));
                SetReady(false);
                await Task.Delay(backoff, _deleted.Token);
            }
        }
        catch (OperationCanceledException) when (IsDeleted)
        {
        }
        catch (Exception failure)
        {
            _tell($"cannot be started: {failure.Message}");
            throw;
        }
    }

    private static TimeSpan Longer(TimeSpan backoff) => TimeSpan.FromTicks(Math.Min(backoff.Ticks * 2, LongestBackoff.Ticks));

    private async Task<int> RunAsync(V1Container container, Func<CancellationToken, Task> watch)
    {
        _deleted.Token.ThrowIfCancellationRequested();
        var process = await _containers.StartAsync(container);
        lock (_processes)
        {
            _processes.Add(process);
        }

        _tell($"{container.Name} started");
        using var ended = new CancellationTokenSource();
        var watching = watch(ended.Token);
        var code = await process.Ended;
        _tell($"{container.Name} ended with {code}");
        await ended.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return code;
    }

    /// <summary>preStop, the signal, and after the grace the end; the grace counts from the beginning.</summary>
    private async Task StopAsync(ContainerProcess process)
    {
        var grace = Task.Delay(TimeSpan.FromSeconds(_spec.TerminationGracePeriodSeconds ?? 30));
        await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(_spec.Containers[0].Lifecycle?.PreStop?.Sleep?.Seconds ?? 0)), process.Ended, grace);
        process.Terminate();
        if (await Task.WhenAny(process.Ended, grace) == grace)
        {
            _tell("did not end within its grace and is killed");
            process.Kill();
            await process.Ended;
        }
    }

    private void SetReady(bool ready)
    {
        if (_ready != ready)
        {
            Interlocked.Exchange(ref _readySince, Stopwatch.GetTimestamp());
            _ready = ready;
            _tell(ready ? "ready" : "not ready");
        }
    }
}
