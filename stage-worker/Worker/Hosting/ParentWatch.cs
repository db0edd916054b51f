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

        await Task.Yield();
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[256];
        while (await input.ReadAsync(buffer, stoppingToken) > 0)
        {
        }

        Log.ParentGone(logger);
        lifetime.StopApplication();
    }
}
