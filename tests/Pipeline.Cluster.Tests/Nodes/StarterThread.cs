using System.Collections.Concurrent;
using System.Diagnostics;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>
/// Starts processes on a thread that lasts as long as the tests do. A sandbox dies with its parent, and for the system that is the
/// thread that made it: one of the pool may end at any time.
/// </summary>
internal static class StarterThread
{
    private static readonly BlockingCollection<Action> Requests = Begin();

    public static Process Start(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Requests.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(start)!);
            }
            catch (Exception failure)
            {
                started.SetException(failure);
            }
        });
        return started.Task.GetAwaiter().GetResult();
    }

    private static BlockingCollection<Action> Begin()
    {
        var requests = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var request in requests.GetConsumingEnumerable())
            {
                request();
            }
        })
        { IsBackground = true, Name = "starts sandboxes" }.Start();
        return requests;
    }
}
