using Microsoft.Extensions.Hosting;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.Live;
using Pipeline.Coordinator.Serving.Metrics;
using Pipeline.Coordinator.Serving.Tracing;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Serving.Hosting;

/// <summary>Opens the server to requests once the pipeline is launched and warm. Registered behind the pipeline's own service.</summary>
internal sealed class PipelineOpening(PipelineService service, ServedModel model, Availability availability, Readiness readiness, StageMetrics metrics, LiveView live, StepTracing tracing, Action<RunningPipeline> onReady) : IHostedService
{
    // Any id will do.
    private const int WarmUpToken = 1;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (running, loop) = (service.Pipeline, service.Loop);
        await WarmUp.RunAsync(loop, WarmUpToken, model.MaxModelLength, cancellationToken);
        var generation = new GenerationService(loop, model.Config, model.Tokenizer);
        service.Recovered += () => Open(running, generation);
        Open(running, generation);
        onReady(running);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>At the start, and again in every epoch: stages may be others then, and count their steps anew.</summary>
    private void Open(RunningPipeline running, GenerationService generation)
    {
        var pipeline = new ServingPipeline(service.Loop, generation, running.Steps, running.Stages, running.Epoch.Value)
        {
            Hops = running.Hops.ToString(),
            Microbatches = running.Settings.Microbatches,
        };
        readiness.Follow(pipeline);
        metrics.Follow(pipeline);
        live.Follow(pipeline);
        tracing.Follow(pipeline);
        availability.Open(pipeline);
    }
}
