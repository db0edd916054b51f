using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Hosting;

/// <summary>
/// The generic host that a pipeline lives in: starting it checks the settings and launches the pipeline, disposing it takes
/// the pipeline apart.
/// </summary>
public sealed class PipelineHost : IAsyncDisposable
{
    private readonly IHost _host;

    private PipelineHost(IHost host) => _host = host;

    public RunningPipeline Pipeline => Service.Pipeline;

    /// <summary>The flow through it; the same for everybody who asks.</summary>
    public PipelineLoop Loop => Service.Loop;

    /// <summary>For whoever restarts the pipeline and makes loops of its own.</summary>
    public SchedulerOptions SchedulerOptions => Service.SchedulerOptions;

    private PipelineService Service => _host.Services.GetRequiredService<PipelineService>();

    public static async Task<PipelineHost> StartAsync(PipelineSettings settings, TimeProvider timeProvider, ILaunchObserver observer, CancellationToken cancellationToken)
    {
        // Empty: flags alone decide, no file or variable that the framework would read.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton(timeProvider).AddSingleton(observer);
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, CommandLifetime>());
        builder.Services.AddPipeline(settings);
        var host = new PipelineHost(builder.Build());
        try
        {
            await host._host.StartAsync(cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => ((IAsyncDisposable)_host).DisposeAsync();
}
