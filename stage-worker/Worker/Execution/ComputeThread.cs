using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Pipeline.StageWorker.Execution;

/// <summary>
/// The one thread that touches tensors. Dispose scopes and device state are per thread, so all of a shard's life, loading
/// included, happens here. Whoever awaits a piece of work continues on this thread until its first real wait: handing a
/// result to the wire costs no thread switch.
/// </summary>
public sealed class ComputeThread : IDisposable
{
    private const int SpinsBetweenLooks = 20;

    private readonly BlockingCollection<Action> _work = [];
    private readonly Queue<(Func<bool> IsOver, Action Finish)> _watched = [];
    private readonly Thread _thread;

    public ComputeThread(string name)
    {
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

    /// <summary>
    /// How long the thread looks out for the next piece of work before it sleeps. Waking takes tens of microseconds, which a GPU
    /// would spend idle at every step; on a CPU stage others need the core.
    /// </summary>
    public TimeSpan Alertness { get; set; }

    public Task<T> RunAsync<T>(Func<T> work)
    {
        var completion = new TaskCompletionSource<T>();
        try
        {
            _work.Add(() => Complete(completion, work));
        }
        catch (InvalidOperationException)
        {
            // The thread has ended, and with it everything that the work is about.
            completion.SetCanceled();
        }

        return completion.Task;
    }

    /// <summary>
    /// Watches, between pieces of work, over something that a device does meanwhile, and finishes it on this thread. Watched in
    /// the order in which it began: a device ends what it does in that order too. To be called on this thread.
    /// </summary>
    public Task<T> WatchAsync<T>(Func<bool> isOver, Func<T> finish)
    {
        if (Thread.CurrentThread != _thread)
        {
            throw new InvalidOperationException("only the compute thread watches what it has begun");
        }

        var completion = new TaskCompletionSource<T>();
        _watched.Enqueue((isOver, () => Complete(completion, finish)));
        return completion.Task;
    }

    /// <summary>Finishes what is queued, then ends the thread.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
            _work.Dispose();
        }
    }

    private static void Complete<T>(TaskCompletionSource<T> completion, Func<T> work)
    {
        T result;
        try
        {
            result = work();
        }
        catch (Exception exception)
        {
            // Failures are rare and lead to clean-up that may wait for this very thread: continue elsewhere.
            ThreadPool.QueueUserWorkItem(_ => completion.SetException(exception));
            return;
        }

        completion.SetResult(result);
    }

    /// <summary>What fails is over; finishing it tells why.</summary>
    private static bool IsOver(Func<bool> isOver)
    {
        try
        {
            return isOver();
        }
        catch (Exception)
        {
            return true;
        }
    }

    private void Run()
    {
        while (TryTakeNext(out var work))
        {
            work();
        }
    }

    /// <summary>
    /// What is over is finished first: others wait for it, and new work may keep this thread for as long as a step takes. What is
    /// not over is no reason to wait: new work is to be queued on the device while that is still busy.
    /// </summary>
    private bool TryTakeNext([NotNullWhen(true)] out Action? work)
    {
        while (_watched.TryPeek(out var watched))
        {
            if (IsOver(watched.IsOver))
            {
                _watched.Dequeue();
                watched.Finish();
            }
            else if (_work.TryTake(out work))
            {
                return true;
            }
            else
            {
                Thread.SpinWait(SpinsBetweenLooks);
            }
        }

        return TryTakeAtOnce(out work) || _work.TryTake(out work, Timeout.Infinite);
    }

    private bool TryTakeAtOnce([NotNullWhen(true)] out Action? work)
    {
        var began = Stopwatch.GetTimestamp();
        do
        {
            if (_work.TryTake(out work))
            {
                return true;
            }

            Thread.SpinWait(SpinsBetweenLooks);
        }
        while (Stopwatch.GetElapsedTime(began) < Alertness && !_work.IsAddingCompleted);
        return false;
    }
}
