using System.Collections.Concurrent;

namespace Pipeline.StageWorker.Execution;

/// <summary>
/// The one thread that touches tensors. Dispose scopes and device state are per thread, so all of a shard's life, loading
/// included, happens here. Whoever awaits a piece of work continues on this thread until its first real wait: handing a
/// result to the wire costs no thread switch.
/// </summary>
public sealed class ComputeThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    public ComputeThread(string name)
    {
        _thread = new Thread(Run) { Name = name, IsBackground = true };
        _thread.Start();
    }

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

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
