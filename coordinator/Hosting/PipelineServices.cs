using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Hosting;

/// <summary>What a host needs so that a pipeline can live in it.</summary>
public static class PipelineServices
{
    /// <summary>Adds the pipeline; the host must also know a <see cref="TimeProvider"/> and an <see cref="ILaunchObserver"/>.</summary>
    public static IServiceCollection AddPipeline(this IServiceCollection services, PipelineSettings settings)
    {
        services.AddOptions<PipelineSettings>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<PipelineSettings>, PipelineSettingsValidator>();
        services.AddSingleton<IOptionsFactory<PipelineSettings>>(provider =>
            new GivenSettings(settings, provider.GetServices<IValidateOptions<PipelineSettings>>()));
        return services.AddSingleton<PipelineService>().AddHostedService(provider => provider.GetRequiredService<PipelineService>());
    }

    /// <summary>Settings are complete when they come, and never change: nothing is there to configure, everything to validate.</summary>
    private sealed class GivenSettings(PipelineSettings settings, IEnumerable<IValidateOptions<PipelineSettings>> validations)
        : OptionsFactory<PipelineSettings>([], [], validations)
    {
        protected override PipelineSettings CreateInstance(string name) => settings;
    }
}
