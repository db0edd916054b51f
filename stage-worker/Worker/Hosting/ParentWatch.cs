using Microsoft.Extensions.Options;
using Pipeline.StageWorker.Diagnostics;

namespace Pipeline.StageWorker.Hosting;

/// <summary>
/// Ends the process when its parent is gone, however it went: the parent holds the other end of standard input, and the
/// system closes it.
/// </summary>
public sealed class ParentWatch(IOptions<WorkerOptions> options, IHostApplicationLifetime lifetime, ILogger<ParentWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.ExitWithParent)
        {
            return;
        }

        // Nothing can be stopped properly that is still starting.
        await StartedAsync(stoppingToken);

        // A read of standard input cannot be cancelled: it gets a thread of its own, and nobody waits for it at the end.
        await Task.Factory.StartNew(ReadToEnd, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(stoppingToken);
        Log.ParentGone(logger);
        lifetime.StopApplication();
    }

    private async Task StartedAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
    }

    private static void ReadToEnd()
    {
        using var input = Console.OpenStandardInput();
        Span<byte> buffer = stackalloc byte[256];
        while (input.Read(buffer) > 0)
        {
        }
    }
}
