using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Hosting;

/// <summary>The pipeline as a service of its host: launched when the host starts, taken apart when it ends.</summary>
internal sealed class PipelineService(IOptions<PipelineSettings> settings, TimeProvider timeProvider, ILaunchObserver observer) : IHostedService, IAsyncDisposable
{
    private RunningPipeline? _pipeline;
    private Lazy<PipelineLoop>? _loop;

    /// <summary>The pipeline was brought back, in another epoch, before anything goes through it again.</summary>
    public event Action? Recovered;

    public RunningPipeline Pipeline => _pipeline ?? throw new InvalidOperationException("the pipeline is not launched yet");

    public PipelineLoop Loop => (_loop ?? throw new InvalidOperationException("the pipeline is not launched yet")).Value;

    /// <summary>The limits of the epoch that the pipeline is in.</summary>
    public SchedulerOptions SchedulerOptions => new()
    {
        Epoch = Pipeline.Epoch,
        MaxSequences = Pipeline.Settings.MaxSequences,
        MaxBatchedTokens = Pipeline.Settings.MaxBatchedTokens,
        Microbatches = Pipeline.Settings.Microbatches,
        MaxModelLength = Pipeline.Settings.MaxModelLength,
        MaxWaiting = Pipeline.Settings.MaxWaiting,
        PrefixCaching = Pipeline.Settings.PrefixCaching,
    };

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var pipeline = _pipeline = await new PipelineLauncher(timeProvider, observer).StartAsync(settings.Value, cancellationToken);
        // Only when somebody wants to generate: whoever restarts the pipeline makes loops of its own.
        _loop = new Lazy<PipelineLoop>(() => new PipelineLoop(new Scheduler(SchedulerOptions, pipeline.Cache), pipeline.Stage, Recovery));
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        // The container knows this under two services and disposes of it once for each.
        var (loop, pipeline) = (_loop, _pipeline);
        (_loop, _pipeline) = (null, null);
        if (loop is { IsValueCreated: true })
        {
            await loop.Value.DisposeAsync();
        }

        if (pipeline is not null)
        {
            await pipeline.DisposeAsync();
        }
    }

    private LoopRecovery? Recovery => settings.Value.RecoveryPatience is { } patience ? new LoopRecovery(RecoverAsync, patience, timeProvider) : null;

    private async Task<MendedPipeline> RecoverAsync(StageException failure, CancellationToken cancellationToken)
    {
        var pipeline = Pipeline;
        await pipeline.RecoverAsync(failure, cancellationToken);
        Recovered?.Invoke();
        return new MendedPipeline(pipeline.Stage, pipeline.Epoch);
    }
}
