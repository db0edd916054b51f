using Microsoft.Extensions.Hosting;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>
/// When nobody asks anything of the pipeline, sends one token through it now and then, the way of all requests: a stage that
/// hangs is found before somebody waits for it.
/// </summary>
internal sealed class Canary(Availability availability, Readiness readiness, ServerOptions options, TimeProvider timeProvider) : BackgroundService
{
    private const int PerPatience = 4;

    // Any id will do.
    private const int Token = 1;

    private readonly TimeSpan _interval = options.ReadyTimeout / PerPatience;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(_interval, timeProvider, stoppingToken);
            if (availability.Pipeline is { } pipeline && readiness.Watch is { } watch && watch.LongestSilence >= _interval && pipeline.Loop is { IsIdle: true, Outage: null })
            {
                await SingAsync(pipeline, stoppingToken);
            }
        }
    }

    private static async Task SingAsync(ServingPipeline pipeline, CancellationToken cancellationToken)
    {
        try
        {
            var feed = pipeline.Loop.Submit(new SequenceRequest { Prompt = [Token], MaxTokens = 1, Sampling = new SamplingParams { Temperature = 0 }, IgnoreEos = true });
            await foreach (var _ in feed.Updates.ReadAllAsync(cancellationToken))
            {
            }
        }
        catch (Exception failure) when (failure is StageException or OperationCanceledException)
        {
            // The loop has failed; readiness says so by itself.
        }
    }
}
